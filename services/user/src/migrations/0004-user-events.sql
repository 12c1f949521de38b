create constraint trigger user_made_told after insert on users deferrable initially deferred
  for each row execute function check_event('user.v1.UserEvent');

create constraint trigger user_change_told after update on users deferrable initially deferred
  for each row when (old.version is distinct from new.version) execute function check_event('user.v1.UserEvent');
