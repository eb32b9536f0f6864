-- How many people got how many messages in each week, also none.
with sends as (

    select
        customer_id,
        channel,
        cast({{ week_start('sent_at') }} as date) as week_start_date
    from {{ ref('fct_sends') }}
    where customer_id is not null

),

contact_channels as (

    select distinct channel
    from {{ ref('channel_purposes') }}
    where is_contact

),

customers as (

    select created_at
    from {{ ref('dim_customers') }}

),

people as (

    select
        sends.week_start_date,
        sends.customer_id,
        count(*) as messages
    from sends
    inner join contact_channels
        on sends.channel = contact_channels.channel
    group by sends.week_start_date, sends.customer_id

),

weeks as (

    select
        week_start_date,
        {{ days_after('week_start_date', 7) }} as week_ends_at,
        count(*) as recipients
    from people
    group by week_start_date

),

weeks_based as (

    select
        weeks.week_start_date,
        weeks.recipients,
        count(customers.created_at) as customers_known
    from weeks
    left join customers
        on weeks.week_ends_at > customers.created_at
    group by weeks.week_start_date, weeks.recipients

),

levels as (

    select
        week_start_date,
        messages,
        count(*) as people
    from people
    group by week_start_date, messages

    union all

    select
        week_start_date,
        0 as messages,
        greatest(customers_known - recipients, 0) as people
    from weeks_based

)

select
    {{ iso_week('levels.week_start_date') }} as iso_week,
    cast(levels.messages as int) as messages_per_person,
    cast(levels.people as bigint) as people,
    cast(levels.people * levels.messages as bigint) as messages,
    {{ share_of('levels.people', 'sum(levels.people) over (partition by levels.week_start_date)') }} as people_share,
    {{ days_after('levels.week_start_date', 7) }} <= {{ as_of() }} as is_complete,
    levels.week_start_date
from levels
