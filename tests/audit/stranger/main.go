// A stranger's check of a log over plain HTTP, with nothing but what others wrote: Tessera's fsck
// hashes every entry bundle again and compares every tile, full and partial, with what it must be;
// then some leaves are proved from tiles alone. SEEN is a checkpoint fetched earlier: the log must
// still begin with what it signed.
//
//	go run . ADDRESS VERIFIER-KEY [SEEN [again]]
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
)

func main() {
	if len(os.Args) == 5 && os.Args[4] == "again" {
		again(os.Args[1], os.Args[2], os.Args[3:4])
		return
	}
	size, err := check(context.Background(), os.Args[1], os.Args[2], os.Args[3:])
	if err != nil {
		fmt.Println("not proved:", err)
		os.Exit(1)
	}
	fmt.Printf("proved: %d entries\n", size)
}

// again checks once for each line that it is told, for a tamperer who has many ways.
func again(address, key string, seen []string) {
	for told := bufio.NewScanner(os.Stdin); told.Scan(); {
		if _, err := check(context.Background(), address, key, seen); err != nil {
			fmt.Println("not proved")
		} else {
			fmt.Println("proved")
		}
	}
}

type source interface {
	ReadCheckpoint(ctx context.Context) ([]byte, error)
	ReadTile(ctx context.Context, level, index uint64, width uint8) ([]byte, error)
	ReadEntryBundle(ctx context.Context, index uint64, width uint8) ([]byte, error)
}

func check(ctx context.Context, address, key string, seen []string) (uint64, error) {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return 0, err
	}
	site, err := open(address)
	if err != nil {
		return 0, err
	}
	if err := recomputed(ctx, site, verifier); err != nil {
		return 0, err
	}
	return prove(ctx, site, verifier, seen)
}

// recomputed asks fsck. When all of its workers have found something wrong it waits for ever for one
// to go on (v1.0.4): what has not ended within a minute is not proved.
func recomputed(ctx context.Context, site source, verifier note.Verifier) error {
	ended := make(chan error, 1)
	go func() {
		ended <- fsck.New(verifier.Name(), verifier, site, leafHashes, fsck.Opts{N: 64}).Check(ctx)
	}()
	select {
	case err := <-ended:
		return err
	case <-time.After(time.Minute):
		return errors.New("fsck did not end")
	}
}

func open(address string) (source, error) {
	root, err := url.Parse(address + "/")
	if err != nil {
		return nil, err
	}
	if root.Scheme == "file" {
		return client.FileFetcher{Root: root.Path}, nil
	}
	return client.NewHTTPFetcher(root, nil)
}

func prove(ctx context.Context, site source, verifier note.Verifier, seen []string) (uint64, error) {
	head, _, _, err := client.FetchCheckpoint(ctx, site.ReadCheckpoint, verifier, verifier.Name())
	if err != nil || head.Size == 0 {
		return 0, err
	}
	builder, err := client.NewProofBuilder(ctx, head.Size, site.ReadTile)
	if err != nil {
		return 0, err
	}
	for index := uint64(0); index < head.Size; index += 1 + head.Size/50 {
		leaves, err := client.FetchLeafHashes(ctx, site.ReadTile, index, 1, head.Size)
		if err != nil {
			return 0, err
		}
		steps, err := builder.InclusionProof(ctx, index)
		if err != nil {
			return 0, err
		}
		if err := proof.VerifyInclusion(rfc6962.DefaultHasher, index, head.Size, leaves[0], steps, head.Hash); err != nil {
			return 0, err
		}
	}
	for _, path := range seen {
		if err := extends(ctx, builder, head, path, verifier); err != nil {
			return 0, err
		}
	}
	return head.Size, nil
}

func extends(ctx context.Context, builder *client.ProofBuilder, head *log.Checkpoint, path string, verifier note.Verifier) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, _, _, err := log.ParseCheckpoint(raw, verifier.Name(), verifier)
	if err != nil {
		return err
	}
	steps, err := builder.ConsistencyProof(ctx, before.Size, head.Size)
	if err != nil {
		return err
	}
	return proof.VerifyConsistency(rfc6962.DefaultHasher, before.Size, head.Size, steps, before.Hash, head.Hash)
}

func leafHashes(bundle []byte) ([][]byte, error) {
	entries := api.EntryBundle{}
	if err := entries.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	var hashes [][]byte
	for _, entry := range entries.Entries {
		hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(entry))
	}
	return hashes, nil
}
