// Command check looks at a published inquiry log as a stranger would, with the implementations of the Go
// project and of Filippo Valsorda: nothing here was written by those who wrote the log.
//
//	check walk   POLICY URL              every entry, over HTTP; prints size, root and entries
//	check entry  POLICY URL INDEX        one entry with its inclusion proof
//	check proof  POLICY FILE ENTRY       a c2sp.org/tlog-proof of an entry (hex)
//	check grows  POLICY URL OLDER        the published tree begins with the one of the checkpoint file OLDER
//	check ask    VKEY URL CHECKPOINT OLD [PROOF...]  add-checkpoint to a witness: status, then what it said
//	check cosign POLICY FILE             a checkpoint against a policy with its witnesses
package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(what string, args []string) error {
	if what == "ask" {
		return ask(args)
	}
	text, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	policy, err := torchwood.ParsePolicy(text)
	if err != nil {
		return err
	}
	switch what {
	case "cosign":
		signed, err := os.ReadFile(args[1])
		if err != nil {
			return err
		}
		c, n, err := torchwood.VerifyCheckpoint(signed, policy)
		if err != nil {
			return err
		}
		fmt.Println(c.N, len(n.Sigs))
		return nil
	case "proof":
		return proof(policy, args[1], args[2])
	}
	ctx := context.Background()
	fetcher, err := torchwood.NewTileFetcher(args[1])
	if err != nil {
		return err
	}
	client, err := torchwood.NewClient(fetcher)
	if err != nil {
		return err
	}
	signed, err := fetcher.ReadEndpoint(ctx, "checkpoint")
	if err != nil {
		return err
	}
	checkpoint, _, err := torchwood.VerifyCheckpoint(signed, policy)
	if err != nil {
		return err
	}
	switch what {
	case "walk":
		hashes := make([]tlog.Hash, 0, checkpoint.N)
		for _, entry := range client.AllEntries(ctx, checkpoint.Tree, 0) {
			hashes = append(hashes, tlog.RecordHash(entry))
		}
		if err := client.Err(); err != nil {
			return err
		}
		fmt.Println(checkpoint.N, checkpoint.Hash, len(hashes))
	case "entry":
		index, err := strconv.ParseInt(args[2], 10, 64)
		if err != nil {
			return err
		}
		entry, p, err := client.Entry(ctx, checkpoint.Tree, index)
		if err != nil {
			return err
		}
		fmt.Println(hex.EncodeToString(entry), len(p))
	case "grows":
		kept, err := os.ReadFile(args[2])
		if err != nil {
			return err
		}
		older, _, err := torchwood.VerifyCheckpoint(kept, policy)
		if err != nil {
			return err
		}
		reader := torchwood.TileHashReaderWithContext(ctx, checkpoint.Tree, fetcher)
		p, err := tlog.ProveTree(checkpoint.N, older.N, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(p, checkpoint.N, checkpoint.Hash, older.N, older.Hash); err != nil {
			return err
		}
		fmt.Println(older.N, checkpoint.N)
	default:
		return fmt.Errorf("unknown: %s", what)
	}
	return nil
}

func proof(policy torchwood.Policy, file, entry string) error {
	raw, err := hex.DecodeString(entry)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return torchwood.VerifyProof(policy, tlog.RecordHash(raw), content)
}

// ask is a log: it sends a head to a witness, and verifies the cosignature that comes back.
func ask(args []string) error {
	verifier, err := torchwood.NewCosignatureVerifier(args[0])
	if err != nil {
		return err
	}
	checkpoint, err := os.ReadFile(args[2])
	if err != nil {
		return err
	}
	var body bytes.Buffer
	fmt.Fprintf(&body, "old %s\n", args[3])
	for _, line := range args[4:] {
		fmt.Fprintln(&body, line)
	}
	fmt.Fprintf(&body, "\n%s", checkpoint)
	answer, err := http.Post(args[1]+"/add-checkpoint", "", &body)
	if err != nil {
		return err
	}
	said, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	fmt.Println(answer.StatusCode)
	if answer.StatusCode != http.StatusOK {
		fmt.Print(answer.Header.Get("Content-Type"), "\n", string(said))
		return nil
	}
	text, _, _ := strings.Cut(string(checkpoint), "\n\n")
	signed := text + "\n\n" + string(said)
	n, err := note.Open([]byte(signed), note.VerifierList(verifier))
	if err != nil {
		return err
	}
	at, err := torchwood.CosignatureTimestamp(n.Sigs[0])
	if err != nil {
		return err
	}
	fmt.Println(at)
	return nil
}
