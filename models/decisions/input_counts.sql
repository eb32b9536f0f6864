-- How much of each guarded input this run could see. Frozen with the run, so that the next can compare. Rows that were
-- removed on purpose, by a purge or an erasure, count as before: what is missing without a record of it is what alarms.
{%- set inputs = {
    'crm.profiles': 'stg_crm__profiles',
    'consent.events': 'stg_consent__events',
    'shop.orders': 'stg_shop__orders',
    'shop.refunds': 'stg_shop__refunds',
    'support.tickets': 'stg_support__tickets',
    'provider.email_events': 'stg_provider__email_events',
    'provider.sms_events': 'stg_provider__sms_events',
    'suppressions.manual': 'stg_suppressions__manual',
} %}

with inputs_counted as (
    {% for source_table, model in inputs.items() %}
    select
        '{{ source_table }}' as source_table,
        count(*) as row_count,
        max(loaded_at) as last_loaded_at
    from {{ ref(model) }}
    {% if not loop.last %}
    union all
    {% endif %}
    {%- endfor %}
),

-- A feed that came and had nothing new is fresh too: the landed file counts as well as the newest row.
loads as (

    select
        source_table,
        max(loaded_at) as last_loaded_at
    from {{ ref('stg_muster__loads') }}
    where rows_landed > 0 or reason is null
    group by source_table

),

removals as (

    select
        source_table,
        sum(rows_removed) as rows_removed
    from {{ ref('stg_muster__removals') }}
    group by source_table

)

select
    inputs_counted.source_table,
    cast(inputs_counted.row_count + coalesce(removals.rows_removed, 0) as bigint) as row_count,
    greatest(inputs_counted.last_loaded_at, loads.last_loaded_at) as last_loaded_at
from inputs_counted
left join loads
    on inputs_counted.source_table = loads.source_table
left join removals
    on inputs_counted.source_table = removals.source_table
