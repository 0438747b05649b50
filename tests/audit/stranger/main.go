// A stranger's check of a log over plain HTTP, with nothing but what others wrote: Tessera's fsck
// hashes every entry bundle again and compares every tile, full and partial, with what it must be;
// then some leaves are proved from tiles alone.
//
//	go run . ADDRESS VERIFIER-KEY
package main

import (
	"context"
	"fmt"
	"net/url"
	"os"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
)

func main() {
	size, err := check(context.Background(), os.Args[1], os.Args[2])
	if err != nil {
		fmt.Println("not proved:", err)
		os.Exit(1)
	}
	fmt.Printf("proved: %d entries\n", size)
}

func check(ctx context.Context, address, key string) (uint64, error) {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return 0, err
	}
	root, err := url.Parse(address + "/")
	if err != nil {
		return 0, err
	}
	log, err := client.NewHTTPFetcher(root, nil)
	if err != nil {
		return 0, err
	}
	if err := fsck.New(verifier.Name(), verifier, log, leafHashes, fsck.Opts{N: 2}).Check(ctx); err != nil {
		return 0, err
	}
	return prove(ctx, log, verifier)
}

func prove(ctx context.Context, log *client.HTTPFetcher, verifier note.Verifier) (uint64, error) {
	head, _, _, err := client.FetchCheckpoint(ctx, log.ReadCheckpoint, verifier, verifier.Name())
	if err != nil || head.Size == 0 {
		return 0, err
	}
	builder, err := client.NewProofBuilder(ctx, head.Size, log.ReadTile)
	if err != nil {
		return 0, err
	}
	for index := uint64(0); index < head.Size; index += 1 + head.Size/50 {
		leaves, err := client.FetchLeafHashes(ctx, log.ReadTile, index, 1, head.Size)
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
	return head.Size, nil
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
