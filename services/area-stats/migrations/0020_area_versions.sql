-- How often a count changed. It only grows and no count is ever deleted, so the sum over an area's modes is the version
-- of the area: it tells those who watch the area that something there is newer.
alter table area_mode_events_agg add column version bigint not null default 1;

create function count_version() returns trigger
language plpgsql set search_path = pg_catalog, public, pg_temp as $$
begin
  new.version := old.version + 1;
  return new;
end
$$;

create trigger area_mode_events_agg_version before update on area_mode_events_agg
for each row when (new.current_count is distinct from old.current_count) execute function count_version();

revoke all on function count_version() from public;
select runtime_may('', 'function count_version()');
