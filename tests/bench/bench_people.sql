-- Invented people and what they did, as landed tables: one view per table of the landing zone, a row count for
-- each set by `people`, and everything before `as_of`. Every value follows from the row's number.

-- An even number from 0 up to 1 for a row and a use; integer arithmetic alone, for digests cost more.
create macro mixed(n) as xor(n, n >> 15);
create macro draw(n, use) as
    (mixed((mixed((n * 2654435761 + use * 2246822519) & 4294967295) * 1103515245) & 4294967295) & 4294967295)
    / 4294967296.0;
create macro whole(n, use, below) as cast(floor(draw(n, use) * below) as bigint);
create macro pick(n, use, choices) as choices[1 + whole(n, use, len(choices))];
-- A moment in the last so many days before as_of.
create macro moment(n, use, days) as
    getvariable('as_of') - to_seconds(1 + whole(n, use, days * 86400));
-- Extracts arrive the night after; what happened today was just landed.
create macro landed(happened_at) as
    least(date_trunc('day', happened_at) + interval 25 hour, getvariable('as_of') - interval 1 minute);
-- Buyers are unlike: a tenth of the people place a fifth of the orders, and one in 13 never ordered.
create macro buyer(order_number) as
    cast(floor(getvariable('people') * pow(draw(order_number, 20), 1.5)) as bigint);
create macro order_count() as 3 * getvariable('people');
create macro ordered_at(order_number) as moment(order_number, 21, 730);

-- One person in 33 has a second profile in the shop, with the same address.
create view "crm.profiles" as
with people as (
    select n, 'crm' as source_system, 'c' || n as profile_id from range(getvariable('people')) as t(n)
    union all
    select n, 'shop', 's' || n from range(0, getvariable('people'), 33) as t(n)
), placed as (
    select
        *,
        pick(n, 1, ['US', 'US', 'US', 'US', 'US', 'US', 'US', 'US', 'CA', 'GB', 'DE', 'IN']) as country,
        getvariable('as_of') - interval 731 day - to_seconds(whole(n, 2, 86400 * 700)) as created_at
    from people
)
select
    profile_id,
    source_system,
    case when draw(n, 3) < 0.96 then 'person' || n || '@example.com' end as email,
    email as email_normalised,
    case when draw(n, 4) < 0.85 and source_system = 'crm' then '+1555' || lpad(cast(n as varchar), 7, '0') end
        as phone,
    phone as phone_e164,
    pick(n, 5, ['Alex', 'Maria', 'James', 'Linda', 'Omar', 'Priya', 'Chen', 'Sofia', 'Noah', 'Grace'])
        as first_name,
    pick(n, 6, ['Smith', 'Garcia', 'Miller', 'Nguyen', 'Patel', 'Lopez', 'Wilson', 'Lee']) as last_name,
    (1 + whole(n, 7, 900)) || ' Example Street' as address,
    lpad(cast(whole(n, 8, 100000) as varchar), 5, '0') as postal_code,
    pick(n, 9, ['Springfield', 'Riverton', 'Fairview', 'Oakdale']) as city,
    country,
    case when country = 'US' and draw(n, 10) < 0.97 then
        pick(n, 11, ['America/New_York', 'America/Chicago', 'America/Denver', 'America/Los_Angeles'])
    end as timezone,
    'en' as language,
    created_at,
    created_at as updated_at,
    landed(created_at) as _loaded_at
from placed;

create view "consent.events" as
with granted as (
    select
        n, channel, purpose, use,
        getvariable('as_of') - interval 731 day - to_seconds(whole(n, 30, 86400 * 700)) as occurred_at
    from range(getvariable('people')) as t(n)
    cross join (values ('email', 'marketing', 31, 0.75), ('sms', 'marketing', 32, 0.50),
        ('ads', 'audience_matching', 33, 0.70)) as kinds(channel, purpose, use, share)
    where draw(n, use) < share
), happened as (
    select n, channel, purpose, 'granted' as state, occurred_at from granted
    union all
    select n, channel, purpose, 'withdrawn', moment(n, use + 10, 700) from granted where draw(n, use + 20) < 0.04
)
select
    'c' || n as profile_id,
    channel,
    purpose,
    state,
    'consent' as basis,
    occurred_at,
    landed(occurred_at) as _loaded_at
from happened;

create view "shop.products" as
select
    'product' || n as product_id,
    'Product ' || n as name,
    'Category ' || whole(n, 12, 40) as category,
    getvariable('as_of') - interval 700 day as _loaded_at
from range(5000) as t(n);

-- One order in 50 was cancelled later: a second row at another status.
create view "shop.orders" as
with placed as (
    select n, 'completed' as status, interval 0 day as later from range(order_count()) as t(n)
    union all
    select n, 'cancelled', interval 1 day from range(0, order_count(), 50) as t(n)
)
select
    'o' || n as order_id,
    case when buyer(n) % 33 = 0 and n % 4 = 0 then 's' else 'c' end || buyer(n) as profile_id,
    ordered_at(n) as ordered_at,
    status,
    'USD' as currency,
    5 + whole(n, 22, 20000) / 100.0 as gross_amount,
    case when draw(n, 23) < 0.3 then 2.5 else 0 end as discount_amount,
    landed(ordered_at(n) + later) as _loaded_at
from placed
where ordered_at(n) + later < getvariable('as_of');

-- Three lines for every two orders.
create view "shop.order_lines" as
with lines as (
    select n, unnest(range(1, 2 + n % 2)) as line_number from range(order_count()) as t(n)
)
select
    'o' || n as order_id,
    line_number,
    'product' || whole(n * 2 + line_number, 24, 5000) as product_id,
    1 + whole(n, 25, 4) as quantity,
    2 + whole(n, 26, 3000) / 100.0 as unit_price,
    landed(ordered_at(n)) as _loaded_at
from lines;

create view "shop.refunds" as
select
    'r' || n as refund_id,
    'o' || n as order_id,
    ordered_at(n) + interval 3 day as refunded_at,
    4.0 as amount,
    'USD' as currency,
    'damaged' as reason,
    landed(ordered_at(n) + interval 3 day) as _loaded_at
from range(0, order_count(), 70) as t(n)
where ordered_at(n) + interval 3 day < getvariable('as_of');

create view "shop.subscriptions" as
select
    'subscription' || n as subscription_id,
    'c' || n as profile_id,
    'monthly' as plan,
    case when draw(n, 41) < 0.7 then 'active' else 'ended' end as status,
    moment(n, 40, 700) as started_at,
    landed(started_at) as _loaded_at
from range(0, getvariable('people'), 10) as t(n);

create view "support.tickets" as
select
    'ticket' || n as ticket_id,
    'c' || n as profile_id,
    moment(n, 42, 365) as opened_at,
    'delivery' as topic,
    'normal' as severity,
    landed(opened_at) as _loaded_at
from range(0, getvariable('people'), 12) as t(n);

create view "campaigns.sends" as
select
    'send' || n as send_id,
    'older_promo' as campaign,
    'c' || whole(n, 44, getvariable('people')) as profile_id,
    'email' as channel,
    moment(n, 45, 30) as sent_at,
    landed(sent_at) as _loaded_at
from range(getvariable('people') // 2) as t(n);

create view "provider.email_events" as
select
    'person' || whole(n, 46, getvariable('people')) || '@example.com' as email,
    email as email_normalised,
    pick(n, 47, ['delivered', 'delivered', 'open', 'bounce', 'unsubscribe', 'complaint']) as event,
    case when event = 'bounce' then pick(n, 48, ['hard', 'soft']) end as detail,
    moment(n, 49, 90) as occurred_at,
    landed(occurred_at) as _loaded_at
from range(getvariable('people') // 20) as t(n);

create view "provider.sms_events" as
select
    '+1555' || lpad(cast(whole(n, 50, getvariable('people')) as varchar), 7, '0') as phone,
    phone as phone_e164,
    pick(n, 51, ['delivered', 'stop', 'start']) as event,
    moment(n, 52, 90) as occurred_at,
    landed(occurred_at) as _loaded_at
from range(getvariable('people') // 100) as t(n);

create view "suppressions.manual" as
select
    'c' || n as profile_id,
    'all' as channel,
    'by request' as reason,
    moment(n, 53, 300) as added_at,
    landed(added_at) as _loaded_at
from range(0, getvariable('people'), 1000) as t(n);

-- A third of the people signed in on a device of their own; a quarter of what is done there knows the device only.
create view "crm.devices" as
select
    'd' || n as device_id,
    'c' || n as profile_id,
    'web' as platform,
    moment(n, 60, 400) as seen_at,
    landed(seen_at) as _loaded_at
from range(0, getvariable('people'), 3) as t(n);

create view "web.events" as
select
    'e' || n as event_id,
    case when draw(n, 61) < 0.75 then 'c' || visitor end as profile_id,
    'd' || visitor as device_id,
    pick(n, 62, ['page_view', 'page_view', 'product_view', 'add_to_cart', 'checkout_started']) as event_type,
    'https://shop.example.com/' || pick(n, 63, ['', 'offers', 'recipes', 'stores/7']) as url,
    occurred_at,
    landed(occurred_at) as _loaded_at
from (
    select n, 3 * whole(n, 64, getvariable('people') // 3) as visitor, moment(n, 65, 120) as occurred_at
    from range(2 * getvariable('people')) as t(n)
);
