create constraint trigger order_made_told after insert on orders deferrable initially deferred
  for each row execute function check_event('order.v1.OrderEvent');

create constraint trigger order_change_told after update on orders deferrable initially deferred
  for each row when (old.version is distinct from new.version) execute function check_event('order.v1.OrderEvent');

-- Where somebody else gave back so much that what was asked for is not left.
alter table order_refunds drop constraint order_refunds_state_check;
alter table order_refunds add constraint order_refunds_state check (state in ('PENDING', 'DONE', 'REFUSED'));
