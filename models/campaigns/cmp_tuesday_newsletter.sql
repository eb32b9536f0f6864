{%- set leaves_from_weekday = 2 %}  {#- Tuesday; a run that was missed makes it leave on Wednesday, and then no more #}
{%- set leaves_until_weekday = 3 %}
{%- set monthly_until_day = 7 %}  {#- the first Tuesday of a month is one of its first seven days #}
{%- set groups = ['produce', 'bakery', 'meat', 'household'] %}

with audience as (

    select
        customer_id,
        qualified_by,
        nullif(split_part(qualified_by, 'newsletter group ', 2), '') as newsletter_group
    from {{ ref('aud_newsletter_readers') }}
    where
        {{ days_between(week_start(as_of()), as_of()) }} + 1 >= {{ leaves_from_weekday }}
        and {{ days_between(week_start(as_of()), as_of()) }} + 1 <= {{ leaves_until_weekday }}

),

customers as (

    select
        customer_id,
        language,
        first_name
    from {{ ref('dim_customers') }}

),

monthly_readers as (

    select customer_id
    from {{ ref('dim_preferences') }}
    where preference = 'newsletter_frequency' and preference_value = 'monthly'

),

policy as (

    select
        'email' as channel,
        'sendgrid' as destination,
        cast(null as string) as audience_name,
        'marketing' as purpose,
        'editorial' as cap_class,
        'drop' as on_cap,
        1 as step,
        cast(0.05 as decimal(5, 4)) as holdout_share,
        'always' as re_entry,
        0 as re_entry_after_days,
        'marketing' as quiet_hours_class,
        false as excludes_recent_purchasers,
        20000 as approval_above,
        100000 as max_people,
        cast(null as decimal(5, 4)) as max_drop_share,
        cast(null as decimal(5, 4)) as max_growth_share,
        {{ iso_week(as_of()) }} as slot,
        {{ as_of() }} as scheduled_at,
        {{ hours_after(week_start(as_of()), 96) }} as expires_at

),

candidates as (

    select
        audience.customer_id,
        audience.qualified_by,
        case
            when audience.newsletter_group in ('{{ groups | join("', '") }}')
                then 'tuesday_newsletter_' || audience.newsletter_group
            else 'tuesday_newsletter'
        end as template,
        cast(null as string) as offer,
        'a' as variant,
        {{ failing_reasons({
            'monthly_reader': 'monthly_readers.customer_id is not null and extract(day from '
                ~ hours_after(week_start(as_of()), 24 * (leaves_from_weekday - 1)) ~ ') > ' ~ monthly_until_day,
        }) }} as exclusion_reasons,
        {{ json_object({
            'first_name': "coalesce(customers.first_name, case customers.language when 'de' then 'und willkommen'"
                ~ " else 'there' end)",
        }) }} as fields
    from audience
    inner join customers
        on audience.customer_id = customers.customer_id
    left join monthly_readers
        on audience.customer_id = monthly_readers.customer_id

)

select
    'tuesday_newsletter' as campaign,
    policy.slot,
    candidates.customer_id,
    {{ campaign_columns(per_person=['template']) }}
from candidates
cross join policy
