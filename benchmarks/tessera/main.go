// How many entries a second Tessera's POSIX log takes on this machine, in batches:
//
//	go run . FOLDER BATCH
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

const entries = 32 * 1024

func main() {
	batch, err := strconv.Atoi(os.Args[2])
	if err == nil {
		err = measure(context.Background(), os.Args[1], uint(batch))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, folder string, batch uint) error {
	key, _, err := note.GenerateKey(rand.Reader, "bench.test/log")
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(key)
	if err != nil {
		return err
	}
	driver, err := posix.New(ctx, posix.Config{Path: folder})
	if err != nil {
		return err
	}
	options := tessera.NewAppendOptions().WithCheckpointSigner(signer).
		WithBatching(batch, 100*time.Millisecond).WithCheckpointInterval(100 * time.Millisecond)
	appender, shutdown, _, err := tessera.NewAppender(ctx, driver, options)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := add(ctx, appender); err != nil {
		return err
	}
	fmt.Println(float64(entries) / time.Since(began).Seconds())
	return shutdown(ctx)
}

// add waits until every entry has its place for good, at most 4,096 at once.
func add(ctx context.Context, appender *tessera.Appender) error {
	waiting := make(chan tessera.IndexFuture, 4096)
	failed := make(chan error, 1)
	go func() {
		var err error
		for future := range waiting {
			if _, wrong := future(); wrong != nil && err == nil {
				err = wrong
			}
		}
		failed <- err
	}()
	for number := range entries {
		entry := fmt.Appendf(make([]byte, 0, 400), "%0400d", number)
		waiting <- appender.Add(ctx, tessera.NewEntry(entry))
	}
	close(waiting)
	return <-failed
}
