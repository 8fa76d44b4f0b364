create table things (id int primary key);
select runtime_may('select, insert', 'table things');
