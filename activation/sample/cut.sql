-- About 60 households for the small sample: so many of each kind as of 2017-11-20, the first ones of the fixed
-- shuffled order, and always household 208.
with latest as (
    select
        household_id,
        max(ordered_at) as last_at,
        sum(gross_amount - discount_amount) as paid
    from baskets
    where ordered_at < timestamp '2017-11-20'
    group by household_id
),

described as (
    select
        households.household_id,
        households.id,
        households.shuffled,
        households.has_duplicate,
        latest.paid,
        date_diff('day', latest.last_at, timestamp '2017-11-20') as days,
        households.country,
        households.has_email and chance('consentemail' || households.id) < 0.7 as has_consent,
        chance('preferencenewsletter_frequency' || households.id) < 0.25
            and chance('withdrawnemail' || households.id) >= 0.06 as has_newsletter,
        count(*) filter (where legacy_sends.sent_at > timestamp '2017-11-13') as promos,
        coalesce(max(legacy_sends.household_id), 0) > 0 as was_mailed
    from households
    inner join latest on households.household_id = latest.household_id
    left join legacy_sends on households.household_id = legacy_sends.household_id
    group by all
),

kinds as (
    select household_id, 'always' as kind, 1 as wanted, shuffled from described where household_id = 208
    union all
    select household_id, 'lapsed', 14, shuffled from described where days between 60 and 119 and has_consent
    union all
    select household_id, 'lapsed without consent', 3, shuffled
    from described where days between 60 and 119 and not has_consent
    union all
    select household_id, 'inactive', 9, shuffled from described where days between 31 and 59
    union all
    select household_id, 'recent', 9, shuffled from described where days < 7
    union all
    select household_id, 'vip', 7, shuffled from described where paid > 5000
    union all
    select household_id, 'duplicate', 6, shuffled from described where has_duplicate
    union all
    select household_id, 'lapsed duplicate', 1, shuffled from described where has_duplicate and days > 60
    union all
    select household_id, 'withdrawn', 3, shuffled
    from described where has_consent and chance('withdrawnemail' || id) < 0.06
    union all
    select household_id, 'suppressed', 2, shuffled from described where chance('suppressed' || id) < 0.005
    union all
    select household_id, 'capped', 3, shuffled from described where promos >= 2
    union all
    select household_id, 'unsubscribed', 2, shuffled
    from described where id in (
        select id from legacy_sends where chance('eventunsubscribe' || send_id) < 0.004
    )
    union all
    select household_id, 'ticket', 2, shuffled from described where chance('recent_ticket' || id) < 0.008
    union all
    -- Two with the app and a need that returns every fortnight: rare among so few, and so by number.
    select household_id, 'due again', 2, shuffled from described where household_id in (588, 878)
    union all
    select household_id, 'reader in ' || country, 1, shuffled
    from described where country in ('CA', 'DE') and has_consent and has_newsletter
)

select distinct household_id
from (select *, row_number() over (partition by kind order by shuffled) as place from kinds)
where place <= wanted
