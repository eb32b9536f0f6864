-- What the synthetic tables share. `chance` is a number in [0, 1) that depends on its text alone (MD5, so that
-- no engine release changes it). Data become known at 01:00 UTC of the day after they happened.
create macro chance(words) as cast('0x' || substr(md5(words), 1, 8) as bigint) / 4294967296.0;
create macro pick(choices, words) as choices[1 + cast(floor(chance(words) * len(choices)) as bigint)];
create macro known_at(happened_at) as date_trunc('day', happened_at) + interval 25 hour;
create macro between_times(earliest, latest, words)
    as earliest + to_seconds(cast(floor(chance(words) * date_diff('second', earliest, latest)) as bigint));

create table households as
with bounds as (
    select
        household_id,
        min(transaction_timestamp) as first_at,
        max(transaction_timestamp) as last_at
    from transactions
    group by household_id
),

mailed as (
    select
        campaigns.household_id,
        min(campaign_descriptions.start_date) as mailed_at
    from campaigns
    inner join campaign_descriptions on campaigns.campaign_id = campaign_descriptions.campaign_id
    group by campaigns.household_id
),

described as (
    select
        bounds.*,
        cast(bounds.household_id as varchar) as id,
        -- Whoever bought in January 2017 was a customer before the data begin.
        case
            when bounds.first_at < timestamp '2017-02-01'
                then between_times(timestamp '2016-01-01', timestamp '2016-11-01', 'created' || bounds.household_id)
            else least(bounds.first_at, coalesce(mailed.mailed_at, bounds.first_at))
                - to_seconds(3600 + cast(chance('created' || bounds.household_id) * 259200 as bigint))
        end as created_at,
        case
            when chance('country' || bounds.household_id) < 0.92 then 'US'
            when chance('country' || bounds.household_id) < 0.95 then 'CA'
            when chance('country' || bounds.household_id) < 0.97 then 'GB'
            when chance('country' || bounds.household_id) < 0.985 then 'DE'
            else 'IN'
        end as country
    from bounds
    left join mailed on bounds.household_id = mailed.household_id
)

select
    described.*,
    chance('email' || id) < 0.96 as has_email,
    chance('phone' || id) < 0.85 as has_phone,
    household_id <> 208 and chance('duplicate' || id) < 0.03 as has_duplicate,
    chance('device' || id) < 0.6 as has_device,
    case
        when chance('malformed' || id) < 0.002 then 'household' || id || '@example'
        when chance('malformed' || id) < 0.004 then 'household' || id || 'example.com'
        else 'household' || id || '@example.com'
    end as email,
    '+1555' || (1000000 + household_id) as phone,
    row_number() over (order by md5('order' || id), household_id) as shuffled
from described;

create table places as
select * from (values
    ('US', 1, 'Cincinnati', '45202', 'America/New_York'),
    ('US', 2, 'Columbus', '43215', 'America/New_York'),
    ('US', 3, 'Atlanta', '30303', 'America/New_York'),
    ('US', 4, 'Boston', '02108', 'America/New_York'),
    ('US', 5, 'Detroit', '48226', 'America/Detroit'),
    ('US', 6, 'Chicago', '60602', 'America/Chicago'),
    ('US', 7, 'Houston', '77002', 'America/Chicago'),
    ('US', 8, 'Nashville', '37201', 'America/Chicago'),
    ('US', 9, 'Denver', '80202', 'America/Denver'),
    ('US', 10, 'Phoenix', '85003', 'America/Phoenix'),
    ('US', 11, 'Los Angeles', '90012', 'America/Los_Angeles'),
    ('US', 12, 'Seattle', '98104', 'America/Los_Angeles'),
    ('CA', 1, 'Toronto', 'M5H 2N2', 'America/Toronto'),
    ('CA', 2, 'Vancouver', 'V5Y 1V4', 'America/Vancouver'),
    ('GB', 1, 'London', 'SW1A 2AA', 'Europe/London'),
    ('DE', 1, 'Berlin', '10178', 'Europe/Berlin'),
    ('IN', 1, 'Bengaluru', '560001', 'Asia/Kolkata')
) as place (country, place, city, postal_code, timezone);

create table baskets as
select
    basket_id,
    any_value(household_id) as household_id,
    any_value(transaction_timestamp) as ordered_at,
    sum(cast(sales_value + retail_disc + coupon_match_disc as decimal(18, 2))) as gross_amount,
    sum(cast(retail_disc + coupon_match_disc + coupon_disc as decimal(18, 2))) as discount_amount,
    -- One basket of a hundred arrives one to five days late.
    known_at(any_value(transaction_timestamp)) + to_days(
        case when chance('late' || basket_id) < 0.01
            then 1 + cast(floor(chance('days' || basket_id) * 5) as int) else 0 end
    ) as loaded_at
from transactions
group by basket_id;

-- A promotion by e-mail from before Muster, close to 2017-11-20: two of them fill a weekly cap of two.
create table legacy_sends as
select
    'legacy-promo-' || wave || '-' || id as send_id,
    'legacy_promo' as campaign,
    household_id,
    id,
    email,
    sent_at
from households
cross join (values
    (1, timestamp '2017-11-08 15:00:00', 0.0, 0.12),
    (2, timestamp '2017-11-15 15:00:00', 0.0, 0.04),
    (3, timestamp '2017-11-17 15:00:00', 0.0, 0.04)
) as waves (wave, sent_at, from_chance, to_chance)
where has_email and email like '%@example.com' and created_at < sent_at
    and chance('promo' || id) >= from_chance and chance('promo' || id) < to_chance
union all
select
    'legacy-news-' || strftime(sent_at, '%Y%m') || '-' || id,
    'legacy_newsletter',
    household_id,
    id,
    email,
    sent_at
from households
cross join (
    select unnest(generate_series(timestamp '2017-01-03 14:00:00', timestamp '2017-10-31', interval 28 day))
) as issues (sent_at)
where has_email and email like '%@example.com' and created_at < sent_at and chance('news' || id) < 0.5;
