-- What the service's role may do with sessions and their events.
select runtime_may('select, insert, update, delete', 'table sessions');
select runtime_may('select, insert, delete', 'table session_events');
select runtime_may('usage', 'sequence session_events_id_seq');
select runtime_may('select, insert, delete', 'table parked_session_events');
