-- What is reserved and not taken, by how long: the worker that gives up old reservations looks for the oldest ones.
create index payments_to_expire on payments (updated_at) where state = 'AUTHORIZED';
