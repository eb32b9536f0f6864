-- Wholly synthetic.

-- consent.events
with asked as (
    select
        id,
        channel,
        purpose,
        channel as subject,
        basis,
        share,
        withdrawn_share,
        created_at,
        created_at + interval 5 minute as granted_at
    from households
    cross join (values
        ('email', 'marketing', 'consent', 0.70, 0.06),
        ('sms', 'marketing', 'consent', 0.50, 0.05),
        ('push', 'marketing', 'consent', 0.40, 0.05),
        ('mail', 'marketing', 'legitimate_interest', 0.90, 0.02),
        ('ads', 'audience_matching', 'consent', 0.75, 0.06)
    ) as consents (channel, purpose, basis, share, withdrawn_share)
    where chance('consent' || channel || id) < share
        and (channel <> 'email' or has_email)
        and (channel <> 'sms' or has_phone)
        and (channel <> 'push' or has_device)
    union all
    -- Google asks for two more where it has to: in Germany, of our countries.
    select id, 'ads', purpose, purpose, 'consent', share, withdrawn_share, created_at, created_at + interval 5 minute
    from households
    cross join (values
        ('ad_user_data', 0.60, 0.05),
        ('ad_personalization', 0.55, 0.05)
    ) as consents (purpose, share, withdrawn_share)
    where country = 'DE' and chance('consent' || purpose || id) < share
),

withdrawals as (
    select
        *,
        between_times(greatest(granted_at, timestamp '2017-01-15'), timestamp '2017-12-31', 'leaves' || subject || id)
            as withdrawn_at
    from asked
    where chance('withdrawn' || subject || id) < withdrawn_share
),

events as (
    select id as profile_id, null as email, null as phone, channel, purpose, 'granted' as state, basis,
        granted_at as occurred_at,
        -- The push permission of some lapses after a year.
        case when channel = 'push' and chance('lapses' || id) < 0.2 then granted_at + interval 365 day end
            as expires_at,
        'sign-up form, version 1' as proof
    from asked
    union all
    -- Some withdrawals name the address only.
    select
        case when channel <> 'email' or chance('by_address' || id) < 0.7 then id end,
        case when channel = 'email' and chance('by_address' || id) >= 0.7 then 'Household' || id || '@example.com' end,
        null, channel, purpose, 'withdrawn', basis, withdrawn_at, null, 'preference page'
    from withdrawals
    union all
    -- A duplicate's own opt-out counts for the whole person.
    select id || '-shop', null, null, 'email', 'marketing', 'withdrawn', 'consent',
        between_times(timestamp '2017-06-01', timestamp '2017-11-15', 'duplicate_leaves' || id), null, 'shop account page'
    from households
    where has_duplicate and chance('duplicate_withdrawn' || id) < 0.15
)

select *, known_at(occurred_at) as _loaded_at
from events
order by occurred_at, profile_id, channel, purpose, state, email
