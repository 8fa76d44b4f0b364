-- Both find their rows by a key, however many there are: a plan that was made while the table was small stays right when it
-- has grown.
alter function sweep_sessions(integer) set enable_seqscan = off;
alter function sweep_sessions(integer) set enable_hashjoin = off;
alter function sweep_sessions(integer) set enable_mergejoin = off;
alter function renew_sessions(uuid[], double precision[], interval) set enable_seqscan = off;
alter function renew_sessions(uuid[], double precision[], interval) set enable_mergejoin = off;
