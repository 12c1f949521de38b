create constraint trigger payment_made_told after insert on payments deferrable initially deferred
  for each row execute function check_event('payment.v1.PaymentEvent');

create constraint trigger payment_change_told after update on payments deferrable initially deferred
  for each row when (old.version is distinct from new.version) execute function check_event('payment.v1.PaymentEvent');
