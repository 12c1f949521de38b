package main

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/auth"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// tokens verifies users' tokens and, as ours does, remembers those that hold.
type tokens struct {
	key      ed25519.PublicKey
	verified sync.Map // claims by the SHA-256 of the token
}

type claims struct {
	Subject string `json:"sub"`
	Expires int64  `json:"exp"`
}

type principalKey struct{}

var errInvalid = errors.New("the token is not valid")

func newTokens(jwk string) (*tokens, error) {
	var fields struct{ X string }
	if err := json.Unmarshal([]byte(jwk), &fields); err != nil {
		return nil, err
	}
	key, err := base64.RawURLEncoding.DecodeString(fields.X)
	if err != nil {
		return nil, err
	}
	return &tokens{key: key}, nil
}

func (t *tokens) authenticate(ctx context.Context) (context.Context, error) {
	token, err := auth.AuthFromMD(ctx, "bearer")
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256([]byte(token))
	found, known := t.verified.Load(digest)
	if !known {
		fresh, err := t.verify(token)
		if err != nil {
			return nil, status.Error(codes.Unauthenticated, err.Error())
		}
		t.verified.Store(digest, fresh)
		found = fresh
	}
	if time.Now().Unix() >= found.(claims).Expires {
		return nil, status.Error(codes.Unauthenticated, "the token has expired")
	}
	return context.WithValue(ctx, principalKey{}, found), nil
}

func (t *tokens) verify(token string) (claims, error) {
	var found claims
	end := strings.LastIndexByte(token, '.')
	begin := strings.IndexByte(token, '.')
	if begin == end {
		return found, errInvalid
	}
	signature, err := base64.RawURLEncoding.DecodeString(token[end+1:])
	if err != nil || !ed25519.Verify(t.key, []byte(token[:end]), signature) {
		return found, errInvalid
	}
	payload, err := base64.RawURLEncoding.DecodeString(token[begin+1 : end])
	if err != nil {
		return found, errInvalid
	}
	return found, json.Unmarshal(payload, &found)
}
