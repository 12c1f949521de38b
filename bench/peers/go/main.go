// The contracts of the platform on grpc-go: as it comes, or with go-grpc-middleware (-key=<public JWK>).
// Or grpc-gateway before a gRPC server (-gateway=host:port). It prints its port and lives as long as its standard input.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"

	greeterv1 "tenon/bench/gen/greeter/v1"
	orderv1 "tenon/bench/gen/order/v1"

	"google.golang.org/grpc"
)

func main() {
	key := flag.String("key", "", "public JWK that users' tokens are verified with; without it there is no middleware")
	backend := flag.String("gateway", "", "address of a gRPC server, to be grpc-gateway before it")
	flag.Parse()

	var options []grpc.ServerOption
	if *key != "" {
		var err error
		if options, err = middleware(*key); err != nil {
			log.Fatal(err)
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	if *backend != "" {
		log.Fatal(serveGateway(listener, *backend))
	}
	server := grpc.NewServer(options...)
	greeterv1.RegisterGreetingServiceServer(server, greeter{})
	orderv1.RegisterOrderServiceServer(server, orders{})
	log.Fatal(server.Serve(listener))
}
