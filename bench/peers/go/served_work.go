package main

import (
	"context"
	"fmt"

	money "tenon/bench/gen/google/type"
	greeterv1 "tenon/bench/gen/greeter/v1"
	orderv1 "tenon/bench/gen/order/v1"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// The work of served-work.ts, answer by answer the same; the bench compares them.

type greeter struct {
	greeterv1.UnimplementedGreetingServiceServer
}

var recorded = func() (names []string) {
	for i := range 1000 {
		names = append(names, fmt.Sprintf("Name number %d", i))
	}
	return names
}()

func (greeter) Greet(_ context.Context, request *greeterv1.GreetRequest) (*greeterv1.GreetResponse, error) {
	return &greeterv1.GreetResponse{Message: "Hello " + request.GetName()}, nil
}

func (greeter) ListGreetings(
	_ *greeterv1.ListGreetingsRequest,
	stream grpc.ServerStreamingServer[greeterv1.ListGreetingsResponse],
) error {
	for _, name := range recorded {
		if err := stream.Send(&greeterv1.ListGreetingsResponse{Message: "Hello " + name}); err != nil {
			return err
		}
	}
	return nil
}

type orders struct {
	orderv1.UnimplementedOrderServiceServer
}

type product struct {
	sku, name string
	cents     int64
}

var catalog = map[string]product{
	"0192f0c1-6b1e-7c3a-8f21-3a6b5c4d0001": {"OAK-TABLE-180", "Oak table, 180 cm", 89_900},
	"0192f0c1-6b1e-7c3a-8f21-3a6b5c4d0002": {"OAK-BENCH-160", "Oak bench, 160 cm", 34_950},
	"0192f0c1-6b1e-7c3a-8f21-3a6b5c4d0003": {"WAX-OIL-500", "Hard wax oil, 500 ml", 2_490},
}

func (orders) CreateOrder(
	_ context.Context,
	request *orderv1.CreateOrderRequest,
) (*orderv1.CreateOrderResponse, error) {
	var total int64
	items := make([]*orderv1.OrderItem, 0, len(request.GetItems()))
	for _, item := range request.GetItems() {
		product, known := catalog[item.GetProductId()]
		if !known {
			return nil, status.Errorf(codes.NotFound, "no product %s", item.GetProductId())
		}
		amount := product.cents * int64(item.GetQuantity())
		total += amount
		items = append(items, &orderv1.OrderItem{
			ProductId: item.GetProductId(),
			Sku:       product.sku,
			Name:      product.name,
			Quantity:  item.GetQuantity(),
			UnitPrice: euros(product.cents),
			Amount:    euros(amount),
		})
	}
	return &orderv1.CreateOrderResponse{Order: &orderv1.Order{
		Id:         "0192f0c1-7a52-7d11-9c0e-55d1a0b20001",
		UserId:     "0192f0c1-5e40-7b7d-a1f3-6c9be2870001",
		Items:      items,
		Total:      euros(total),
		Refunded:   euros(0),
		State:      orderv1.OrderState_ORDER_STATE_PENDING,
		Version:    1,
		CreateTime: &timestamppb.Timestamp{Seconds: 1_790_000_000, Nanos: 123_000_000},
		UpdateTime: &timestamppb.Timestamp{Seconds: 1_790_000_000, Nanos: 123_000_000},
		Etag:       "1",
	}}, nil
}

func euros(cents int64) *money.Money {
	return &money.Money{CurrencyCode: "EUR", Units: cents / 100, Nanos: int32(cents%100) * 10_000_000}
}
