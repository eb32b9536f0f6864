-- Mailings and redemptions are the real ones (campaigns `cj_1` to `cj_27`, by post); all else is synthetic.

-- campaigns.sends
select send_id, campaign, profile_id, channel, sent_at, known_at(sent_at) as _loaded_at
from (
    select
        'cj-' || campaigns.campaign_id || '-' || campaigns.household_id as send_id,
        'cj_' || campaigns.campaign_id as campaign,
        cast(campaigns.household_id as varchar) as profile_id,
        'mail' as channel,
        campaign_descriptions.start_date as sent_at
    from campaigns
    inner join households on campaigns.household_id = households.household_id
    inner join campaign_descriptions on campaigns.campaign_id = campaign_descriptions.campaign_id
    union all
    select send_id, campaign, id, 'email', sent_at from legacy_sends
)
order by sent_at, send_id

-- campaigns.conversions
select
    'cj-' || campaign_id || '-' || coupon_redemptions.household_id || '-' || coupon_upc || '-'
        || strftime(redemption_date, '%Y%m%d') as conversion_id,
    'cj_' || campaign_id as campaign,
    cast(coupon_redemptions.household_id as varchar) as profile_id,
    redemption_date as converted_at,
    cast(null as decimal(18, 4)) as value,
    cast(null as varchar) as currency,
    known_at(redemption_date) as _loaded_at
from coupon_redemptions
inner join households on coupon_redemptions.household_id = households.household_id
order by converted_at, conversion_id

-- provider.email_events
with outcomes as (
    select
        cast(null as varchar) as message_id,
        send_id as provider_id,
        case when chance('odd_case' || send_id) < 0.1 then upper(email) else email end as email,
        event,
        detail,
        sent_at + to_seconds(cast(floor(delay * (0.5 + chance(event || send_id))) as bigint)) as occurred_at
    from legacy_sends
    cross join (values
        ('delivered', cast(null as varchar), 20, 0.985),
        ('open', null, 20000, 0.3),
        ('click', null, 21000, 0.05),
        ('bounce', 'soft', 60, 0.003),
        ('bounce', 'hard', 90, 0.003),
        ('complaint', 'abuse report', 30000, 0.0008),
        ('unsubscribe', 'link in message', 25000, 0.004)
    ) as kinds (event, detail, delay, share)
    where chance('event' || event || coalesce(detail, '') || send_id) < share
)

select *, known_at(occurred_at) as _loaded_at
from outcomes
order by occurred_at, provider_id, event, detail

-- provider.sms_events
select
    cast(null as varchar) as message_id,
    'legacy-sms-' || id as provider_id,
    phone,
    event,
    detail,
    between_times(greatest(created_at, timestamp '2017-02-01'), timestamp '2017-12-15', 'sms_event' || id)
        as occurred_at,
    known_at(occurred_at) as _loaded_at
from households
cross join (values
    ('delivered', cast(null as varchar), 0.0, 0.05),
    ('stop', 'STOP', 0.02, 0.028),
    ('undelivered', '30005', 0.05, 0.055)
) as kinds (event, detail, from_chance, to_chance)
where has_phone and chance('sms' || id) >= from_chance and chance('sms' || id) < to_chance
order by occurred_at, provider_id, event

-- suppressions.manual
select
    case when way = 0 then email end as email,
    case when way = 1 then phone end as phone,
    case when way = 2 then id end as profile_id,
    case when chance('all' || id) < 0.5 then 'all' when way = 1 then 'sms' else 'email' end as channel,
    pick(['asked by telephone', 'legal', 'staff'], 'suppressed_why' || id) as reason,
    between_times(greatest(created_at, timestamp '2017-01-10'), timestamp '2017-11-18', 'suppressed_at' || id)
        as added_at,
    'service desk' as added_by,
    known_at(added_at) as _loaded_at
from (select *, household_id % 3 as way from households)
where household_id <> 208 and has_email and has_phone and created_at < timestamp '2017-11-01'
    and chance('suppressed' || id) < 0.005
order by added_at, id

-- support.tickets
with opened as (
    select
        'ticket-' || id as ticket_id,
        id,
        between_times(greatest(created_at, timestamp '2017-01-02'), timestamp '2017-12-30', 'ticket_at' || id)
            as opened_at
    from households
    where chance('ticket' || id) < 0.08
    union all
    -- A few in the week before 2017-11-20.
    select
        'ticket-recent-' || id,
        id,
        between_times(timestamp '2017-11-13', timestamp '2017-11-19', 'recent_at' || id)
    from households
    where created_at < timestamp '2017-11-01' and chance('recent_ticket' || id) < 0.008
),

states as (
    select *, cast(null as timestamp) as closed_at from opened
    union all
    select *, opened_at + to_hours(2 + cast(floor(chance('closed' || ticket_id) * 200) as int)) from opened
    where chance('is_closed' || ticket_id) < 0.85
)

select
    ticket_id,
    id as profile_id,
    opened_at,
    closed_at,
    pick(['delivery', 'refund', 'quality', 'account', 'billing'], 'topic' || ticket_id) as topic,
    pick(['low', 'normal', 'normal', 'high'], 'severity' || ticket_id) as severity,
    known_at(coalesce(closed_at, opened_at)) as _loaded_at
from states
-- A ticket that was closed on its first day arrives closed.
qualify row_number() over (partition by ticket_id, _loaded_at order by closed_at nulls last) = 1
order by _loaded_at, ticket_id

-- feedback.responses
select
    'response-' || id as response_id,
    id as profile_id,
    'nps' as survey,
    cast(floor(sqrt(chance('score' || id)) * 11) as int) as score,
    case when chance('comment' || id) < 0.4
        then pick(
            ['Too many messages', 'Great produce', 'Delivery was late', 'Friendly staff', 'Prices went up',
             'Love the offers'], 'comment_text' || id
        ) end as comment,
    between_times(greatest(created_at, timestamp '2017-02-01'), timestamp '2017-12-31', 'answered' || id)
        as submitted_at,
    known_at(submitted_at) as _loaded_at
from households
where chance('feedback' || id) < 0.17
order by submitted_at, response_id

-- web.events
-- October to December 2017; a quarter of the events know the device only, and some devices nobody knows. On two
-- Wednesdays some visits come as a stream: they are known minutes after they happened.
with popular as (
    select product_id, row_number() over (order by count(*) desc, product_id) as place
    from transactions
    group by product_id
    qualify place <= 400
),

visitors as (
    select id, 'device-1-' || id as device_id, 40 * chance('visits' || id) as visits
    from households
    where has_device
    union all
    select null, 'device-unknown-' || number, 40 * chance('visits_unknown' || number)
    from range(1, 51) as numbers (number)
),

visited as (
    select
        id,
        device_id,
        device_id || '-' || number as event_id,
        between_times(timestamp '2017-10-01', timestamp '2018-01-01', 'visited' || device_id || number)
            as occurred_at,
        pick(
            ['page_view', 'page_view', 'page_view', 'page_view', 'product_view', 'product_view', 'product_view',
             'add_to_cart', 'add_to_cart', 'checkout_started'], 'kind' || device_id || number
        ) as event_type,
        1 + cast(floor(pow(chance('product' || device_id || number), 2) * (select count(*) from popular)) as bigint)
            as place
    from visitors
    cross join range(1, 41) as numbers (number)
    where number <= visits
),

streamed as (
    select
        id,
        device_id,
        device_id || '-stream-' || strftime(day, '%m%d') || '-' || number as event_id,
        between_times(day + interval 6 hour, day + interval 20 hour, 'streamed_at' || device_id || day)
            + to_seconds(number * 45 + cast(floor(chance('pause' || device_id || day || number) * 30) as int))
            as occurred_at,
        event_type,
        1 + cast(floor(pow(chance('streamed_product' || device_id || day), 2) * (select count(*) from popular))
            as bigint) as place
    from visitors
    cross join (values (timestamp '2017-11-22'), (timestamp '2017-11-29')) as days (day)
    cross join (values (1, 'product_view', 1.0), (2, 'add_to_cart', 1.0), (3, 'checkout_started', 0.4))
        as kinds (number, event_type, share)
    where device_id <> 'device-1-208'
        and chance('streamed' || device_id || day) < 0.12
        and chance('streamed_kind' || device_id || day || number) < share
),

known as (
    select *, known_at(occurred_at) as loaded_at from visited
    union all
    select *, occurred_at + to_seconds(60 + cast(floor(chance('minutes' || event_id) * 240) as int)) from streamed
)

select
    event_id,
    case when chance('known' || event_id) < 0.75 then id end as profile_id,
    device_id,
    event_type,
    'https://shop.example.com/' || case
        when event_type in ('product_view', 'add_to_cart') then 'products/' || product_id
        when event_type = 'checkout_started' then 'checkout'
        else pick(['', 'offers', 'recipes', 'stores'], 'page' || event_id)
    end as url,
    case when event_type in ('product_view', 'add_to_cart') then cast(product_id as varchar) end as product_id,
    occurred_at,
    loaded_at as _loaded_at
from known
inner join popular on known.place = popular.place
order by occurred_at, event_id
