with audience as (

    select
        customer_id,
        qualified_by
    from {{ ref('aud_yesterdays_visitors') }}

),

customers as (

    select
        customer_id,
        first_name
    from {{ ref('dim_customers') }}

),

web_events as (

    select
        customer_id,
        url_path,
        product_id,
        event_type,
        occurred_at
    from {{ ref('fct_web_events') }}

),

category_affinity as (

    select
        customer_id,
        product_category,
        affinity_rank
    from {{ ref('fct_category_affinity') }}
    where {{ is_category_of_interest('product_category') }}

),

policy as (

    select
        'email' as channel,
        'sendgrid' as destination,
        cast(null as string) as audience_name,
        'marketing' as purpose,
        'editorial' as cap_class,
        'drop' as on_cap,
        'daily_digest' as template,
        1 as step,
        cast(0.05 as decimal(5, 4)) as holdout_share,
        'after_days' as re_entry,
        2 as re_entry_after_days,
        'marketing' as quiet_hours_class,
        false as excludes_recent_purchasers,
        5000 as approval_above,
        20000 as max_people,
        cast(0.60 as decimal(5, 4)) as max_drop_share,
        cast(2.00 as decimal(5, 4)) as max_growth_share,
        {{ iso_date(as_of()) }} as slot,
        {{ as_of() }} as scheduled_at,
        {{ hours_after(as_of(), 24) }} as expires_at

),

yesterdays_views as (

    select
        customer_id,
        count(distinct url_path) as page_count,
        count(distinct product_id) as product_count
    from web_events
    where
        event_type in ('page_view', 'product_view')
        and {{ days_between('occurred_at', as_of()) }} = 1
    group by customer_id

),

top_categories as (

    select
        customer_id,
        lower(max_by(product_category, -1 * affinity_rank)) as top_category
    from category_affinity
    group by customer_id

),

candidates as (

    select
        audience.customer_id,
        audience.qualified_by,
        'a' as variant,
        cast(null as string) as offer,
        {{ failing_reasons({'no_top_category': 'top_categories.customer_id is null'}) }} as exclusion_reasons,
        {{ json_object({
            'first_name': "coalesce(customers.first_name, 'there')",
            'pages_seen': 'yesterdays_views.page_count',
            'products_seen': 'yesterdays_views.product_count',
            'top_category': 'top_categories.top_category',
        }) }} as fields
    from audience
    inner join customers
        on audience.customer_id = customers.customer_id
    inner join yesterdays_views
        on audience.customer_id = yesterdays_views.customer_id
    left join top_categories
        on audience.customer_id = top_categories.customer_id

)

select
    'daily_digest' as campaign,
    policy.slot,
    candidates.customer_id,
    {{ campaign_columns() }}
from candidates
cross join policy
