package main

import (
	"context"
	"net"
	"net/http"

	greeterv1 "tenon/bench/gen/greeter/v1"
	orderv1 "tenon/bench/gen/order/v1"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"
)

// serveGateway answers REST by calls to the backend, in the JSON that the others write: without what is unset.
func serveGateway(listener net.Listener, backend string) error {
	connection, err := grpc.NewClient(backend, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	json := &runtime.JSONPb{MarshalOptions: protojson.MarshalOptions{}}
	mux := runtime.NewServeMux(runtime.WithMarshalerOption(runtime.MIMEWildcard, json))
	if err := greeterv1.RegisterGreetingServiceHandler(context.Background(), mux, connection); err != nil {
		return err
	}
	if err := orderv1.RegisterOrderServiceHandler(context.Background(), mux, connection); err != nil {
		return err
	}
	return http.Serve(listener, mux)
}
