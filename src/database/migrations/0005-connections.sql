-- Add connection searches by client ID as it does by name: whole and exact but for case and white space.
create index system_client_search on system (search_key(client_id));

-- An end date or a lapse is marked by whichever process comes first; the decision does not wait for the mark.
create index connection_ending on connection (expires_at)
  where status in ('active', 'suspended') and expires_at is not null;
