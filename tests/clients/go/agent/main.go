// Command agent serves an ssh-agent with one new Ed25519 key on a socket, for litewitness, which keeps no key
// itself. It prints the key's fingerprint.
package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"log"
	"net"
	"os"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

func main() {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: private}); err != nil {
		log.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		log.Fatal(err)
	}
	listening, err := net.Listen("unix", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(ssh.FingerprintSHA256(key))
	for {
		conn, err := listening.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go agent.ServeAgent(ring, conn)
	}
}
