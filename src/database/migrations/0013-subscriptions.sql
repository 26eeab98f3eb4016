-- What a connection did, for the numbers on its page.

-------------------------------------------------------------------------------------- the connection that did it
-- The decision names the connection for the rest of its transaction; rows that are made in it keep the name. A column's
-- default sees it whatever function inserts the row, so that none of them need be told.
create function app_connection() returns uuid language sql stable parallel safe
  return nullif(current_setting('app.connection', true), '')::uuid;

alter table registration add column connection_id uuid default app_connection();
alter table letter add column connection_id uuid default app_connection();
create index registration_connection on registration (connection_id) where connection_id is not null;
create index letter_connection on letter (connection_id) where connection_id is not null;

-- Few calls make invitations, and the numbers ask for no others.
create index audit_record_invitations on audit_record (connection_id, at)
  where kind = 'fhir' and outcome = 'allowed' and interaction = '$generate-invitation-tokens';
