-- Which run built this warehouse, as of when: so that a reader knows how old it is, and a micro-batch what it stands
-- on.
select
    '{{ run_value("run_id") }}' as run_id,
    {{ as_of() }} as as_of,
    cast('{{ run_value("known_until") }}' as timestamp) as known_until
