{%- set pages_named = 3 %}

with audience as (

    select
        customer_id,
        qualified_by
    from {{ ref('aud_open_cases') }}

),

customers as (

    select
        customer_id,
        last_ordered_at
    from {{ ref('dim_customers') }}

),

behaviour as (

    select
        customer_id,
        order_count
    from {{ ref('fct_customer_behaviour') }}
    where window_days = 365

),

pages_visited as (

    select
        customer_id,
        url_path,
        last_visited_at
    from {{ ref('fct_pages_visited') }}

),

policy as (

    select
        'support' as channel,
        'support_webhook' as destination,
        cast(null as string) as audience_name,
        'service' as purpose,
        cast(null as string) as cap_class,
        'drop' as on_cap,
        'support_context' as template,
        1 as step,
        cast(0 as decimal(5, 4)) as holdout_share,
        'always' as re_entry,
        0 as re_entry_after_days,
        'none' as quiet_hours_class,
        false as excludes_recent_purchasers,
        5000 as approval_above,
        20000 as max_people,
        cast(0.60 as decimal(5, 4)) as max_drop_share,
        cast(2.00 as decimal(5, 4)) as max_growth_share,
        {{ iso_date(as_of()) }} as slot,
        {{ as_of() }} as scheduled_at,
        {{ hours_after(as_of(), 24) }} as expires_at

),

pages_ranked as (

    select
        customer_id,
        url_path,
        row_number() over (
            partition by customer_id
            order by last_visited_at desc nulls last, url_path asc nulls last
        ) as page_rank
    from pages_visited

),

pages_listed as (

    select
        customer_id,
        concat_ws(
            ', '
            {%- for rank in range(1, pages_named + 1) %},
            max(case when page_rank = {{ rank }} then url_path end)
            {%- endfor %}
        ) as last_pages
    from pages_ranked
    group by customer_id

),

candidates as (

    select
        audience.customer_id,
        audience.qualified_by,
        cast(null as string) as variant,
        cast(null as string) as offer,
        cast(null as string) as exclusion_reasons,
        {{ json_object({
            'open_ticket': 'audience.qualified_by',
            'last_order_date': 'coalesce(' ~ iso_date('customers.last_ordered_at') ~ ", 'never')",
            'orders_in_a_year': 'coalesce(behaviour.order_count, 0)',
            'last_pages': "coalesce(pages_listed.last_pages, 'none')",
        }) }} as fields
    from audience
    inner join customers
        on audience.customer_id = customers.customer_id
    left join behaviour
        on audience.customer_id = behaviour.customer_id
    left join pages_listed
        on audience.customer_id = pages_listed.customer_id

)

select
    'support_context' as campaign,
    policy.slot,
    candidates.customer_id,
    {{ campaign_columns() }}
from candidates
cross join policy
