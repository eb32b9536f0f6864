-- How much of each guarded input this run could see. Frozen with the run, so that the next can compare.
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
)

select
    source_table,
    cast(row_count as bigint) as row_count,
    last_loaded_at
from inputs_counted
