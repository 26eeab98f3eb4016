-- What a connection's page asks is of its FHIR calls alone, allowed and refused apart. A row stands in one of the two
-- indexes, so a record costs no more to write than before.
drop index audit_record_connection;
create index audit_record_allowed on audit_record (connection_id, at desc)
  where kind = 'fhir' and outcome = 'allowed' and connection_id is not null;
create index audit_record_refused on audit_record (connection_id, at desc)
  where kind = 'fhir' and outcome <> 'allowed' and connection_id is not null;

-- cs_service has no right to alter or remove what was recorded. Neither is the owner to do it by accident; whoever
-- does it on purpose is found by verifying.
create function refuse_audit_change() returns trigger language plpgsql as $$
begin
  raise exception 'audit records are only ever added' using errcode = 'insufficient_privilege';
end $$;
create trigger audit_record_fixed before update or delete on audit_record
  for each row execute function refuse_audit_change();
create trigger audit_record_kept before truncate on audit_record
  for each statement execute function refuse_audit_change();
create trigger audit_checkpoint_fixed before update or delete on audit_checkpoint
  for each row execute function refuse_audit_change();
create trigger audit_checkpoint_kept before truncate on audit_checkpoint
  for each statement execute function refuse_audit_change();
