-- The W3C traceparent of the call that placed the order: the worker's steps, whenever they come, belong to that trace.
alter table orders add column trace_parent text check (char_length(trace_parent) <= 55);
