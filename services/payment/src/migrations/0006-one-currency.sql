-- As 0002 has it, and no entry of a payment is in another currency than the payment: sums of yen and dollars would tell nothing.
create or replace function check_payment_books(payment uuid) returns void language plpgsql as $$
declare
  expected record;
  booked record;
begin
  select
    case
      when state in ('AUTHORIZED', 'CAPTURING') then amount_minor
      when state = 'VOIDING' and authorization_id is not null then amount_minor
      else 0
    end as holds,
    captured_minor - refunded_minor - refunding_minor as receivable,
    refunding_minor as refunds,
    payments.currency
  into expected from payments where id = payment;
  select
    coalesce(sum(amount_minor) filter (where account = 'CUSTOMER_HOLDS'), 0) as holds,
    coalesce(sum(amount_minor) filter (where account = 'MERCHANT_RECEIVABLE'), 0) as receivable,
    coalesce(sum(amount_minor) filter (where account = 'REFUNDS'), 0) as refunds,
    count(*) filter (where currency <> expected.currency) as strange
  into booked
  from ledger_entries join ledger_postings on entry_id = id
  where payment_id = payment;
  if (expected.holds, expected.receivable, expected.refunds) <> (booked.holds, booked.receivable, booked.refunds)
    or booked.strange > 0 then
    raise exception 'the books of payment % do not tell where its money is', payment using errcode = 'check_violation';
  end if;
end
$$;
