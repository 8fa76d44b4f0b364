-- The places of the world. A location is never deleted: rows of things copy its name and area.
create table locations (
  location_id uuid primary key,
  name text not null,
  area_code text not null check (area_code <> ''),
  version bigint not null default 1,
  created_at timestamptz not null default now()
);

create index locations_by_area on locations (area_code, location_id);

select runtime_may('select, insert', 'table locations');
