{#- The connected components of a graph: `node` and `label`, a number that all nodes of a component share; one row per
    node that has an edge. `edges` has two columns of whole numbers below 2^31.

    Each round names every node after the smallest of its neighbours and itself, in an order that is shuffled anew,
    and keeps the edges between different names: a graph of n nodes is gone after about log2(n) rounds, whatever its
    shape (Łącki, Mirrokni and Włodarczyk, "Connected Components at Scale via Local Contractions", 2018). A data test
    proves that the rounds sufficed: 20 settle a chain of 100,000. -#}
{%- macro connected_components(edges, left, right, rounds=20) -%}
{{ return(adapter.dispatch('connected_components', 'muster')(edges, left, right, rounds)) }}
{%- endmacro %}

{#- DuckDB takes all rounds as one query: a round on an empty graph costs nothing. -#}
{%- macro default__connected_components(edges, left, right, rounds) -%}
with edges_0 as materialized (
    select
        {{ left }} as node_a,
        {{ right }} as node_b
    from {{ edges }}
    where {{ left }} <> {{ right }}
),
{%- for round in range(rounds) %}
names_{{ round }} as materialized ({{ component_names('edges_' ~ round, round) }}),
renamed_{{ round }} as materialized ({{ component_edges_renamed('edges_' ~ round, 'names_' ~ round) }}),
edges_{{ round + 1 }} as materialized ({{ component_edges('renamed_' ~ round, 'names_' ~ round) }}),
{%- endfor %}
labels_{{ rounds }} as (
    select
        cast(null as bigint) as node,
        cast(null as bigint) as label
    where false
)
{%- for round in range(rounds - 1, -1, -1) %},
labels_{{ round }} as materialized ({{ component_labels('names_' ~ round, 'labels_' ~ (round + 1), round) }})
{%- endfor %}
select
    node,
    label
from labels_0
{%- endmacro %}

{#- Spark computes a CTE again wherever it is named, so each round is a table there, and the rounds end with the
    edges. -#}
{%- macro spark__connected_components(edges, left, right, rounds) -%}
{%- if not execute -%}
select node, label from {{ edges }}
{%- else -%}
{%- set scratch = this.schema ~ '.' ~ this.identifier ~ '__' -%}
{%- do scratch_table(scratch ~ 'edges_0',
    'select ' ~ left ~ ' as node_a, ' ~ right ~ ' as node_b from ' ~ edges ~ ' where ' ~ left ~ ' <> ' ~ right) -%}
{%- set done = namespace(rounds=0) -%}
{%- for round in range(rounds) if done.rounds == round -%}
    {%- if run_query('select 1 from ' ~ scratch ~ 'edges_' ~ round ~ ' limit 1') | length > 0 -%}
        {%- do scratch_table(scratch ~ 'names_' ~ round, component_names(scratch ~ 'edges_' ~ round, round)) -%}
        {%- do scratch_table(scratch ~ 'renamed_' ~ round,
            component_edges_renamed(scratch ~ 'edges_' ~ round, scratch ~ 'names_' ~ round)) -%}
        {%- do scratch_table(scratch ~ 'edges_' ~ (round + 1),
            component_edges(scratch ~ 'renamed_' ~ round, scratch ~ 'names_' ~ round)) -%}
        {%- set done.rounds = round + 1 -%}
    {%- endif -%}
{%- endfor -%}
{%- do scratch_table(scratch ~ 'labels_' ~ done.rounds,
    'select cast(null as bigint) as node, cast(null as bigint) as label where false') -%}
{%- for round in range(done.rounds - 1, -1, -1) -%}
    {%- do scratch_table(scratch ~ 'labels_' ~ round,
        component_labels(scratch ~ 'names_' ~ round, scratch ~ 'labels_' ~ (round + 1), round)) -%}
{%- endfor -%}
select node, label from {{ scratch }}labels_0
{%- endif -%}
{%- endmacro %}

{%- macro scratch_table(name, query) -%}
{%- do run_query('drop table if exists ' ~ name) -%}
{%- do run_query('create table ' ~ name ~ ' as ' ~ query) -%}
{%- endmacro %}

{#- A node's place in the order of a round: a bijection on the numbers below the prime 2^31 - 1. -#}
{%- macro component_rank(node, round) -%}
({{ node }} * {{ [1103515245, 1597334677, 2046822519, 1266489917, 668265263, 374761393][round % 6] }} + {{
    12345 + 7919 * round }}) % 2147483647
{%- endmacro %}

{#- What each node is called after a round: the smallest rank among its neighbours and itself. -#}
{%- macro component_names(edges, round) -%}
select
    node,
    least(min({{ component_rank('neighbour', round) }}), {{ component_rank('node', round) }}) as name
from (
    select node_a as node, node_b as neighbour from {{ edges }}
    union all
    select node_b as node, node_a as neighbour from {{ edges }}
) as neighbours
group by node
{%- endmacro %}

{#- The edges with the first of their nodes renamed. One end at a time: of two joins and an inequality between them,
    an optimiser without statistics may make a product of all names with all names. -#}
{%- macro component_edges_renamed(edges, names) -%}
select
    names.name as name_a,
    edges.node_b
from {{ edges }} as edges
inner join {{ names }} as names
    on edges.node_a = names.node
{%- endmacro %}

{#- The edges that are left between different names. -#}
{%- macro component_edges(renamed, names) -%}
select distinct
    renamed.name_a as node_a,
    names.name as node_b
from {{ renamed }} as renamed
inner join {{ names }} as names
    on renamed.node_b = names.node
where renamed.name_a <> names.name
{%- endmacro %}

{#- From the last round back to the first: a node's label is that of its name, or the name itself where that had no
    edge left; the round goes into the label, because each round gives its own numbers. -#}
{%- macro component_labels(names, later_labels, round) -%}
select
    names.node,
    coalesce(later.label, {{ round }} * 4294967296 + names.name) as label
from {{ names }} as names
left join {{ later_labels }} as later
    on names.name = later.node
{%- endmacro %}
