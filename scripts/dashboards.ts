// Grafana's dashboards as files, for its provisioning: node scripts/dashboards.ts writes deploy/observability/grafana/.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What is looked at together. */
interface Dashboard {
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
        title: "Messages of streams",
        query:
          "sum by (grpc_service) (rate(grpc_server_msg_sent_total[5m]) + rate(grpc_server_msg_received_total[5m]))",
        legend: "{{grpc_service}}",
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
    ],
  },
];

/** Two panels a row, as Grafana's provisioning reads it. */
export function toGrafana({ uid, title, panels }: Dashboard): object {
  return {
    uid,
    title,
    tags: ["tenon"],
    timezone: "utc",
    schemaVersion: 39,
    refresh: "30s",
    time: { from: "now-1h", to: "now" },
    panels: panels.map(({ title, query, legend = "", unit }, index) => ({
      id: index + 1,
      title,
      type: "timeseries",
      datasource: { type: "prometheus", uid: "prometheus" },
      gridPos: { x: (index % 2) * 12, y: Math.floor(index / 2) * 8, w: 12, h: 8 },
      fieldConfig: { defaults: { unit }, overrides: [] },
      targets: [{ refId: "A", expr: query, legendFormat: legend }],
    })),
  };
}

/** Each file by its name. */
export const dashboardFiles = (): ReadonlyMap<string, string> =>
  new Map(DASHBOARDS.map((each) => [`${each.uid}.json`, `${JSON.stringify(toGrafana(each), undefined, 2)}\n`]));

if (import.meta.main) {
  const folder = join(import.meta.dirname, "../deploy/observability/grafana/dashboards");
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of dashboardFiles()) writeFileSync(join(folder, name), text);
}
