/** What is looked at together. */
export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
}

interface Panel {
  readonly title: string;
  /** In PromQL; `legend` names its series by their labels. */
  readonly query: string;
  readonly legend?: string;
  readonly unit: "reqps" | "percentunit" | "s" | "short" | "bytes" | "none";
}

const FAULTS = 'grpc_code=~"Unknown|Internal|DataLoss|Unavailable|DeadlineExceeded"';
const quantile = (of: number, metric: string, by: string) =>
  `histogram_quantile(${of}, sum by (le, ${by}) (rate(${metric}_bucket[5m])))`;

export const DASHBOARDS: readonly Dashboard[] = [
  {
    uid: "tenon-calls",
    title: "Tenon: calls",
    panels: [
      {
        title: "Calls",
        query: "sum by (grpc_service) (rate(grpc_server_handled_total[5m]))",
        legend: "{{grpc_service}}",
        unit: "reqps",
      },
      {
        title: "Calls that fail by a fault of ours",
        query: `sum by (grpc_service) (rate(grpc_server_handled_total{${FAULTS}}[5m])) / sum by (grpc_service) (rate(grpc_server_handled_total[5m]))`,
        legend: "{{grpc_service}}",
        unit: "percentunit",
      },
      {
        title: "Codes other than OK",
        query: 'sum by (grpc_service, grpc_code) (rate(grpc_server_handled_total{grpc_code!="OK"}[5m])) > 0',
        legend: "{{grpc_service}} {{grpc_code}}",
        unit: "reqps",
      },
      {
        title: "Calls in flight",
        query: "sum by (grpc_service) (grpc_server_started_total) - sum by (grpc_service) (grpc_server_handled_total)",
        legend: "{{grpc_service}}",
        unit: "short",
      },
      {
        title: "Time of a call, median",
        query: quantile(0.5, "grpc_server_handling_seconds", "grpc_service, grpc_method"),
        legend: "{{grpc_service}}/{{grpc_method}}",
        unit: "s",
      },
      {
        title: "Time of a call, 99 of 100",
        query: quantile(0.99, "grpc_server_handling_seconds", "grpc_service, grpc_method"),
        legend: "{{grpc_service}}/{{grpc_method}}",
        unit: "s",
      },
      {
        title: "Calls to others that fail",
        query: `sum by (service, grpc_service, grpc_code) (rate(grpc_client_handled_total{${FAULTS}}[5m])) > 0`,
        legend: "{{service}} to {{grpc_service}} {{grpc_code}}",
        unit: "reqps",
      },
      {
        title: "Calls to others in flight",
        query:
          "sum by (service, grpc_service) (grpc_client_started_total) - sum by (service, grpc_service) (grpc_client_handled_total)",
        legend: "{{service}} to {{grpc_service}}",
        unit: "short",
      },
      {
        title: "Circuits: 0 closed, above that calls are held back",
        query: "max by (service, grpc_service) (grpc_client_circuit_state) > 0",
        legend: "{{service}} to {{grpc_service}}",
        unit: "short",
      },
      {
        title: "Messages of streams",
        query:
          "sum by (grpc_service) (rate(grpc_server_msg_sent_total[5m]) + rate(grpc_server_msg_received_total[5m]))",
        legend: "{{grpc_service}}",
        unit: "reqps",
      },
      {
        title: "Messages with others",
        query:
          "sum by (service, grpc_service) (rate(grpc_client_msg_sent_total[5m]) + rate(grpc_client_msg_received_total[5m]))",
        legend: "{{service}} with {{grpc_service}}",
        unit: "reqps",
      },
      {
        title: "REST: requests",
        query: "sum by (http_response_status_code) (rate(http_server_request_duration_seconds_count[5m]))",
        legend: "{{http_response_status_code}}",
        unit: "reqps",
      },
      {
        title: "REST: time of a request, 99 of 100",
        query: quantile(0.99, "http_server_request_duration_seconds", "http_route"),
        legend: "{{http_route}}",
        unit: "s",
      },
    ],
  },
  {
    uid: "tenon-business",
    title: "Tenon: orders and money",
    panels: [
      {
        title: "Orders placed",
        query: 'sum by (grpc_code) (rate(grpc_server_handled_total{grpc_method="CreateOrder"}[5m])) > 0',
        legend: "{{grpc_code}}",
        unit: "reqps",
      },
      // Every replica tells the same, of the database that they share.
      {
        title: "Open orders by state",
        query: "max by (state) (order_open_orders)",
        legend: "{{state}}",
        unit: "short",
      },
      { title: "Age of the oldest open order", query: "max(order_oldest_open_seconds)", unit: "s" },
      {
        title: "Ledger: debits less credits (must be zero)",
        query: "max by (currency) (payment_ledger_imbalance_minor)",
        legend: "{{currency}}",
        unit: "none",
      },
      {
        title: "Payments: authorize, capture, void, refund",
        query:
          'sum by (grpc_method, grpc_code) (rate(grpc_server_handled_total{grpc_service="payment.v1.PaymentService"}[5m])) > 0',
        legend: "{{grpc_method}} {{grpc_code}}",
        unit: "reqps",
      },
      {
        title: "Processor: time of an answer, 99 of 100",
        query: quantile(0.99, "grpc_client_handling_seconds", "grpc_method").replace(
          "_bucket[",
          '_bucket{grpc_service="processor.v1.ProcessorService"}[',
        ),
        legend: "{{grpc_method}}",
        unit: "s",
      },
      {
        title: "Open findings: payments, books and the processor's statement disagree",
        query: "max by (kind) (payment_findings_open)",
        legend: "{{kind}}",
        unit: "short",
      },
      {
        title: "Since the statement was last read to its end",
        query: "time() - max(payment_reconciled_timestamp_seconds)",
        unit: "s",
      },
      {
        title: "Age of the oldest request that the processor has not answered",
        query: "max(payment_oldest_unanswered_seconds)",
        unit: "s",
      },
      {
        title: "Repaired by itself",
        query: "sum by (action) (increase(payment_repairs_total[15m]))",
        legend: "{{action}}",
        unit: "short",
      },
    ],
  },
  {
    uid: "tenon-events",
    title: "Tenon: events",
    panels: [
      {
        title: "Told, by calls or by NATS",
        query: "sum by (type) (rate(tenon_events_published_total[5m]))",
        legend: "{{type}}",
        unit: "reqps",
      },
      {
        title: "Heard, and what became of it",
        query: "sum by (service, type, outcome) (rate(tenon_events_received_total[5m])) > 0",
        legend: "{{service}}: {{type}} {{outcome}}",
        unit: "reqps",
      },
      {
        title: "Age of the oldest event in an outbox",
        query: "max by (service) (tenon_outbox_oldest_unpublished_seconds)",
        legend: "{{service}}",
        unit: "s",
      },
      {
        title: "Dead letters: events that wait for people",
        query: "max by (service) (tenon_events_dead_letters)",
        legend: "{{service}}",
        unit: "short",
      },
    ],
  },
  {
    uid: "tenon-processes",
    title: "Tenon: processes",
    panels: [
      { title: "Up", query: "min by (service) (up)", legend: "{{service}}", unit: "none" },
      { title: "CPU", query: "rate(process_cpu_seconds_total[5m])", legend: "{{service}} {{instance}}", unit: "short" },
      {
        title: "Memory",
        query: "process_resident_memory_bytes",
        legend: "{{service}} {{instance}}",
        unit: "bytes",
      },
      {
        title: "Event loop delay, 99 of 100",
        query: "nodejs_eventloop_lag_p99_seconds",
        legend: "{{service}} {{instance}}",
        unit: "s",
      },
      {
        title: "Time in garbage collection",
        query: "sum by (service, instance) (rate(nodejs_gc_duration_seconds_sum[5m]))",
        legend: "{{service}} {{instance}}",
        unit: "percentunit",
      },
      {
        title: "Faults that nobody meant to throw",
        query: "sum by (service) (rate(grpc_server_unexpected_errors_total[5m]))",
        legend: "{{service}}",
        unit: "reqps",
      },
      {
        title: "Calls refused because there were too many",
        query: "sum by (service, priority) (rate(grpc_server_shed_total[5m]))",
        legend: "{{service}} {{priority}}",
        unit: "reqps",
      },
      {
        title: "Places for calls that are taken, of those that the load leaves",
        query: "grpc_server_concurrency_in_flight / grpc_server_concurrency_limit",
        legend: "{{service}} {{instance}}",
        unit: "percentunit",
      },
      {
        title: "Calls that wait for a place",
        query: "grpc_server_concurrency_queued",
        legend: "{{service}} {{instance}}",
        unit: "short",
      },
      {
        title: "Until its certificate expires",
        query: "min by (service, instance) (tls_certificate_not_after_seconds) - time()",
        legend: "{{service}} {{instance}}",
        unit: "s",
      },
      {
        title: "New certificates, by what became of them",
        query: "sum by (service, outcome) (increase(tls_reloads_total[1h])) > 0",
        legend: "{{service}} {{outcome}}",
        unit: "short",
      },
    ],
  },
];
