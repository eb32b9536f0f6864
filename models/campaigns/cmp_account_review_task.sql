with audience as (

    select
        customer_id,
        qualified_by
    from {{ ref('aud_accounts_at_risk') }}

),

customers as (

    select
        customer_id,
        first_name,
        last_name,
        account_id
    from {{ ref('dim_customers') }}

),

accounts as (

    select
        account_id,
        account_name,
        owner
    from {{ ref('dim_accounts') }}

),

policy as (

    select
        'task' as channel,
        'hubspot_tasks' as destination,
        cast(null as string) as audience_name,
        'account_management' as purpose,
        cast(null as string) as cap_class,
        'defer' as on_cap,
        'account_review_task' as template,
        1 as step,
        cast(0 as decimal(5, 4)) as holdout_share,
        'after_days' as re_entry,
        28 as re_entry_after_days,
        'none' as quiet_hours_class,
        false as excludes_recent_purchasers,
        200 as approval_above,
        500 as max_people,
        cast(0.90 as decimal(5, 4)) as max_drop_share,
        cast(5.00 as decimal(5, 4)) as max_growth_share,
        {{ iso_week(as_of()) }} as slot,
        {{ as_of() }} as scheduled_at,
        {{ hours_after(as_of(), 168) }} as expires_at

),

candidates as (

    select
        audience.customer_id,
        audience.qualified_by,
        cast(null as string) as variant,
        cast(null as string) as offer,
        {{ failing_reasons({'no_account_owner': 'accounts.owner is null'}) }} as exclusion_reasons,
        {{ json_object({
            'account_name': 'coalesce(accounts.account_name, accounts.account_id)',
            'account_owner': 'accounts.owner',
            'contact_name': "concat_ws(' ', customers.first_name, customers.last_name)",
            'why': 'audience.qualified_by',
        }) }} as fields
    from audience
    inner join customers
        on audience.customer_id = customers.customer_id
    left join accounts
        on customers.account_id = accounts.account_id

)

select
    'account_review_task' as campaign,
    policy.slot,
    candidates.customer_id,
    {{ campaign_columns() }}
from candidates
cross join policy
