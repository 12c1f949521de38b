package main

import (
	"context"
	"log/slog"
	"os"

	"buf.build/go/protovalidate"
	grpcprom "github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/auth"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	validation "github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/protovalidate"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"google.golang.org/grpc"
)

// What go-grpc-middleware has of our standard chain: a line a call (JSON, to /dev/null), metrics, panics, users' tokens,
// the contract's validation rules.
func middleware(key string) ([]grpc.ServerOption, error) {
	sink, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	validator, err := protovalidate.New()
	if err != nil {
		return nil, err
	}
	tokens, err := newTokens(key)
	if err != nil {
		return nil, err
	}
	metrics := grpcprom.NewServerMetrics(grpcprom.WithServerHandlingTimeHistogram())
	logger := toLogger(slog.New(slog.NewJSONHandler(sink, nil)))
	finished := logging.WithLogOnEvents(logging.FinishCall)
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(
			logging.UnaryServerInterceptor(logger, finished),
			metrics.UnaryServerInterceptor(),
			recovery.UnaryServerInterceptor(),
			auth.UnaryServerInterceptor(tokens.authenticate),
			validation.UnaryServerInterceptor(validator),
		),
		grpc.ChainStreamInterceptor(
			logging.StreamServerInterceptor(logger, finished),
			metrics.StreamServerInterceptor(),
			recovery.StreamServerInterceptor(),
			auth.StreamServerInterceptor(tokens.authenticate),
			validation.StreamServerInterceptor(validator),
		),
	}, nil
}

func toLogger(logger *slog.Logger) logging.Logger {
	return logging.LoggerFunc(func(ctx context.Context, level logging.Level, message string, fields ...any) {
		logger.Log(ctx, slog.Level(level), message, fields...)
	})
}
