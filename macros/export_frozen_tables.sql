{#- At the end of a build: the engine itself writes what freeze keeps, one directory or file per table, into
    `export_to`. Nothing happens where a model failed, or where no place was named. -#}
{%- macro export_frozen_tables(results) -%}
{#- Outside of any condition, so that dbt sees what this depends on. -#}
{%- set tables = frozen_tables() -%}
{%- if execute and run_value('export_to') -%}
    {%- set failed = results | selectattr('status', 'in', ['error', 'fail', 'skipped']) | list -%}
    {%- if failed | length == 0 -%}
        {%- for table, relation in tables.items() -%}
            {%- do run_query(export_table(table, relation[0], relation[1])) -%}
        {%- endfor -%}
        {{ log('exported ' ~ tables | length ~ ' tables', info=true) }}
    {%- endif -%}
{%- endif -%}
{%- endmacro %}

{#- What a run freezes: the table's name in the ledger, its model, and the order of its rows. -#}
{%- macro frozen_tables() -%}
{{ return({
    'decisions': [ref('decision_log'), 'message_id'],
    'outbox_messages': [ref('outbox_messages'), 'position'],
    'outbox_memberships': [ref('outbox_memberships'), 'position'],
    'reservations': [ref('reservations'), 'message_id'],
    'volume_claims': [ref('volume_claims'), 'campaign, signup_id'],
    'profile_customers': [ref('int_profiles_mapped'), 'profile_id'],
    'audiences': [all_audiences(), 'audience, customer_id'],
    'campaign_sizes': [ref('campaign_sizes'), 'campaign'],
    'input_counts': [ref('input_counts'), 'source_table'],
    'guard_inputs': [ref('guard_inputs'), 'source_table, guard'],
    'guard_campaigns': [ref('guard_campaigns'), 'campaign, guard'],
    'guard_removals': [ref('guard_removals'), 'campaign, destination, audience'],
    'guard_canaries': [ref('guard_canaries'), 'campaign, measure'],
    'cohorts': [ref('fct_cohort_retention_monthly'), 'cohort_month, months_since_first_order'],
}) }}
{%- endmacro %}

{#- Every model of the audience layer as one relation: who belongs to what, and why. -#}
{%- macro all_audiences() -%}
(
    {%- for node in (graph.nodes.values() if execute else [])
        | selectattr('resource_type', 'equalto', 'model')
        | selectattr('config.schema', 'equalto', 'audiences')
        | sort(attribute='name') %}
    select audience, customer_id, qualified_by, qualified_at from {{ node.relation_name }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
) as audiences
{%- endmacro %}

{#- One table with its run's stamps, written by the engine. -#}
{%- macro export_table(table, relation, order_by) -%}
{{ return(adapter.dispatch('export_table', 'muster')(table, relation, order_by)) }}
{%- endmacro %}

{%- macro stamped(relation, order_by) -%}
select
    *,
    '{{ run_value("run_id") }}' as run_id,
    cast('{{ run_value("as_of") }}' as timestamp) as as_of,
    cast('{{ run_value("known_at") }}' as timestamp) as known_at
from {{ relation }}
order by {{ order_by }}
{%- endmacro %}

{%- macro default__export_table(table, relation, order_by) -%}
copy ({{ stamped(relation, order_by) }})
to '{{ run_value("export_to") }}/{{ table }}.parquet'
(format parquet, compression zstd, compression_level 1, row_group_size 20480)
{%- endmacro %}

{%- macro spark__export_table(table, relation, order_by) -%}
insert overwrite directory '{{ run_value("export_to") }}/{{ table }}.parquet' using parquet
{{ stamped(relation, order_by) }}
{%- endmacro %}
