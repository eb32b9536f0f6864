-- How messages arrived, by week, channel and the company behind the mailbox; and where seed addresses found them.
with sends as (

    select
        customer_id,
        channel,
        is_delivered,
        is_bounced,
        is_hard_bounced,
        is_complained,
        is_unsubscribed,
        cast({{ week_start('sent_at') }} as date) as week_start_date
    from {{ ref('fct_sends') }}
    where is_delivered is not null

),

customers as (

    select
        customer_id,
        split_part(email, '@', 2) as domain
    from {{ ref('dim_customers') }}

),

mailbox_providers as (

    select
        domain,
        mailbox_provider
    from {{ ref('mailbox_providers') }}

),

placements as (

    select
        placement,
        mailbox_provider as named_provider,
        cast({{ week_start('occurred_at') }} as date) as week_start_date
    from {{ ref('stg_provider__inbox_placement') }}
    where occurred_at < {{ as_of() }}

),

rows_joined as (

    select
        sends.week_start_date,
        sends.channel,
        case when sends.channel = 'email' then coalesce(mailbox_providers.mailbox_provider, 'other') end
            as mailbox_provider,
        1 as sends,
        case when sends.is_delivered then 1 else 0 end as delivered,
        case when sends.is_bounced then 1 else 0 end as bounced,
        case when sends.is_hard_bounced then 1 when not sends.is_hard_bounced then 0 end as hard_bounced,
        case when sends.is_complained then 1 when not sends.is_complained then 0 end as complained,
        case when sends.is_unsubscribed then 1 when not sends.is_unsubscribed then 0 end as unsubscribed,
        0 as seeds,
        0 as seeds_in_inbox,
        0 as seeds_in_spam
    from sends
    left join customers
        on sends.customer_id = customers.customer_id
    left join mailbox_providers
        on customers.domain = mailbox_providers.domain

    union all

    select
        placements.week_start_date,
        'email' as channel,
        coalesce(mailbox_providers.mailbox_provider, 'other') as mailbox_provider,
        0 as sends,
        0 as delivered,
        0 as bounced,
        0 as hard_bounced,
        0 as complained,
        0 as unsubscribed,
        1 as seeds,
        case when placements.placement = 'inbox' then 1 else 0 end as seeds_in_inbox,
        case when placements.placement = 'spam' then 1 else 0 end as seeds_in_spam
    from placements
    left join mailbox_providers
        on placements.named_provider = mailbox_providers.domain

)
{%- set counts = [
    'sends', 'delivered', 'bounced', 'hard_bounced', 'complained', 'unsubscribed', 'seeds', 'seeds_in_inbox',
    'seeds_in_spam'
] %}

select
    {{ iso_week('week_start_date') }} as iso_week,
    channel,
    mailbox_provider,
    {%- for count in counts %}
    cast(sum({{ count }}) as bigint) as {{ count }},
    {%- endfor %}
    {{ share_of('sum(delivered)', 'sum(sends)') }} as delivery_rate,
    {{ share_of('sum(bounced)', 'sum(sends)') }} as bounce_rate,
    {{ share_of('sum(hard_bounced)', 'sum(sends)') }} as hard_bounce_rate,
    {{ share_of('sum(complained)', 'sum(delivered)') }} as complaint_rate,
    {{ share_of('sum(unsubscribed)', 'sum(delivered)') }} as unsubscribe_rate,
    {{ share_of('sum(seeds_in_inbox)', 'sum(seeds)') }} as inbox_rate,
    week_start_date
from rows_joined
group by week_start_date, channel, mailbox_provider
