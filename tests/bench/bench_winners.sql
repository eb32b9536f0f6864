-- Only the winners, as one statement that keeps no reason of anybody: what the decision log is measured against. It has
-- to name the same people as the log's verdict `send`.
create table winners as
with recipients as (
    select
        customers.customer_id, customers.account_id, customers.time_zone, customers.language,
        coalesce(customers.country, 'US') as country, markets.market, markets.is_open, markets.currency,
        postal_regions.region
    from marts.dim_customers as customers
    left join reference.markets as markets on coalesce(customers.country, 'US') = markets.country
    left join reference.postal_regions as postal_regions
        on coalesce(customers.country, 'US') = postal_regions.country
        and substr(customers.postal_code, 1, 3) between postal_regions.first_prefix and postal_regions.last_prefix
),
addresses as (
    select customer_id, 'email' as channel, email as address from marts.dim_customers where email is not null
    union all select customer_id, 'sms', phone from marts.dim_customers where phone is not null
    union all select customer_id, 'push', push_token from marts.dim_push_tokens
    union all select customer_id, 'mail', first_name || ' ' || last_name || ', ' || address from marts.dim_customers
    union all select customer_id, 'ads', coalesce(email, phone) from marts.dim_customers where coalesce(email, phone) is not null
    union all select customer_id, 'lists', coalesce(email, phone) from marts.dim_customers where coalesce(email, phone) is not null
    union all select customer_id, 'onsite', external_id from marts.dim_external_ids
),
denied as (
    select recipients.customer_id, further.destination
    from recipients
    cross join reference.destination_consents as further
    left join reference.country_areas as areas
        on further.area = areas.area and recipients.country = areas.country
    left join intermediate.int_consents_resolved as said
        on recipients.customer_id = said.customer_id
        and further.consent_channel = said.channel and further.consent_purpose = said.purpose
    where coalesce(said.state, case when areas.country is null then 'granted' else 'unknown' end) <> 'granted'
),
eligible as (
    select candidates.*, recipients.account_id, recipients.country, recipients.region, recipients.time_zone, addresses.address
    from decisions.decision_candidates as candidates
    inner join recipients on candidates.customer_id = recipients.customer_id
    inner join addresses
        on candidates.customer_id = addresses.customer_id and candidates.channel = addresses.channel
    inner join reference.channel_purposes as asked
        on candidates.channel = asked.channel and candidates.purpose = asked.purpose
    left join intermediate.int_consents_resolved as consents
        on candidates.customer_id = consents.customer_id
        and asked.consent_channel = consents.channel and asked.consent_purpose = consents.purpose
    left join reference.market_switches as switches
        on recipients.market = switches.market and candidates.channel = switches.channel and not switches.is_open
    left join reference.offers as offers on candidates.offer = offers.offer
    where candidates.exclusion_reasons is null
        and (not asked.is_contact or (recipients.is_open and switches.market is null))
        and (
            asked.consent_rule = 'none' or consents.state = 'granted'
            or (asked.consent_rule = 'not_withdrawn' and coalesce(consents.state, '') <> 'withdrawn')
        )
        and not exists (
            select 1 from denied
            where denied.customer_id = candidates.customer_id and denied.destination = candidates.destination
        )
        and coalesce(cast(candidates.scheduled_at as date) between offers.valid_from and offers.valid_until, true)
        and coalesce(offers.currency = recipients.currency, true)
        and not exists (
            select 1 from intermediate.int_suppressions_resolved as suppressions
            where asked.is_contact and suppressions.customer_id = candidates.customer_id
                and suppressions.channel in (coalesce(asked.consent_channel, candidates.channel), 'all')
        )
        and not exists (
            select 1 from marts.fct_contacts as contacts
            where contacts.customer_id = candidates.customer_id and contacts.campaign = candidates.campaign
                and (
                    contacts.slot = candidates.slot or candidates.re_entry = 'never'
                    or (
                        candidates.re_entry = 'after_days'
                        and date_diff('day', contacts.contacted_at, getvariable('as_of')) < candidates.re_entry_after_days
                    )
                )
        )
        and cast('0x' || substr(md5(candidates.campaign || '|holdout|' || candidates.customer_id), 1, 8) as bigint) % 10000
            >= candidates.holdout_share * 10000
        and not exists (
            select 1 from reference.holdouts as holdouts
            where holdouts.purpose = candidates.purpose
                and cast('0x' || substr(md5(
                    'global|' || holdouts.salt || '|' || cast(date_trunc('quarter', getvariable('as_of')) as date)
                    || '|' || candidates.customer_id
                ), 1, 8) as bigint) % 10000 < holdouts.share * 10000
        )
),
used as (
    select caps.cap, contacts.customer_id, recipients.account_id, caps.scope
    from marts.fct_contacts as contacts
    inner join recipients on contacts.customer_id = recipients.customer_id
    inner join reference.frequency_caps as caps
        on caps.cap_class in (contacts.cap_class, 'any') and caps.channel in (contacts.channel, 'any')
    where contacts.contacted_at > getvariable('as_of') - to_days(caps.window_days)
),
usage as (
    select cap, customer_id as holder_id, count(*) as contact_count from used where scope = 'customer' group by all
    union all
    select cap, account_id, count(*) from used where scope = 'account' and account_id is not null group by all
),
full_caps as (
    select caps.cap_class, caps.channel, caps.scope, usage.holder_id
    from usage inner join reference.frequency_caps as caps on usage.cap = caps.cap
    where usage.contact_count >= caps.max_contacts
),
within_caps as (
    select * from eligible
    where cap_class is null or (
        not exists (
            select 1 from full_caps
            where scope = 'customer' and holder_id = eligible.customer_id
                and cap_class in (eligible.cap_class, 'any') and channel in (eligible.channel, 'any')
        )
        and not exists (
            select 1 from full_caps
            where scope = 'account' and holder_id = eligible.account_id
                and cap_class in (eligible.cap_class, 'any') and channel in (eligible.channel, 'any')
        )
    )
),
first_of_day as (
    select * from within_caps
    qualify cap_class is null or row_number() over (
        partition by customer_id, cast(scheduled_at as date), cap_class order by priority, slot, step
    ) = 1
),
held as (
    select
        winners.candidate_id, caps.cap, caps.max_contacts - coalesce(usage.contact_count, 0) as contacts_left,
        row_number() over (
            partition by caps.cap, case when caps.scope = 'account' then winners.account_id else winners.customer_id end
            order by winners.priority, winners.scheduled_at, winners.slot, winners.step, winners.customer_id
        ) as place
    from first_of_day as winners
    inner join reference.frequency_caps as caps
        on caps.cap_class in (winners.cap_class, 'any') and caps.channel in (winners.channel, 'any')
        and (caps.scope = 'customer' or winners.account_id is not null)
    left join usage
        on caps.cap = usage.cap
        and usage.holder_id = case when caps.scope = 'account' then winners.account_id else winners.customer_id end
    where winners.cap_class is not null
),
allocated as (
    select * from first_of_day
    where candidate_id not in (select candidate_id from held where place > contacts_left)
),
sent_already as (
    select channel, cast(contacted_at as date) as contact_date, count(*) as contact_count
    from marts.fct_contacts group by all
),
budgeted as (
    select allocated.* from allocated
    left join reference.daily_budgets as budgets on allocated.channel = budgets.channel
    left join sent_already
        on allocated.channel = sent_already.channel and cast(allocated.scheduled_at as date) = sent_already.contact_date
    qualify budgets.max_messages is null or row_number() over (
        partition by allocated.channel, cast(allocated.scheduled_at as date)
        order by priority, md5(slot || '|' || customer_id), slot, step, customer_id
    ) <= budgets.max_messages - coalesce(sent_already.contact_count, 0)
),
hours as (
    select
        places.*, quiet_hours.opens_at_hour, quiet_hours.closes_at_hour
    from (
        select distinct country, coalesce(region, '') as region, coalesce(time_zone, 'unknown') as time_zone,
            quiet_hours_class, scheduled_at
        from budgeted
    ) as places
    inner join reference.quiet_hours as quiet_hours
        on places.quiet_hours_class = quiet_hours.quiet_hours_class
        and coalesce(quiet_hours.country, places.country) = places.country
        and coalesce(quiet_hours.region, places.region) = places.region
    qualify row_number() over (
        partition by places.country, places.region, places.time_zone, places.quiet_hours_class, places.scheduled_at
        order by quiet_hours.country desc nulls last, quiet_hours.region desc nulls last
    ) = 1
),
windows as (
    select
        hours.country, hours.region, hours.time_zone, hours.quiet_hours_class, hours.scheduled_at, day_offset,
        max(timezone('UTC', timezone(coalesce(zones.time_zone, hours.time_zone),
            cast(cast(hours.scheduled_at as date) + day_offset::int as timestamp) + to_hours(opens_at_hour)))) as opens_at,
        min(timezone('UTC', timezone(coalesce(zones.time_zone, hours.time_zone),
            cast(cast(hours.scheduled_at as date) + day_offset::int as timestamp) + to_hours(closes_at_hour)))) as closes_at
    from hours
    cross join range(-1, 3) as days (day_offset)
    left join reference.time_zones as zones on hours.time_zone = 'unknown' and hours.country = zones.country
    group by all
),
times as (
    select country, region, time_zone, quiet_hours_class, scheduled_at,
        min(greatest(opens_at, scheduled_at)) filter (greatest(opens_at, scheduled_at) < closes_at) as send_not_before
    from windows group by all
)
select
    md5(
        campaign || '|' || slot || '|' || coalesce(destination || '/' || audience_name, cast(step as varchar)) || '|'
        || budgeted.customer_id
    ) as message_id,
    campaign, slot, budgeted.customer_id, channel, destination, audience_name, address, template, variant, offer, fields,
    step, priority, coalesce(times.send_not_before, budgeted.scheduled_at) as send_not_before, expires_at
from budgeted
left join times
    on budgeted.country = times.country and coalesce(budgeted.region, '') = times.region
    and coalesce(budgeted.time_zone, 'unknown') = times.time_zone
    and budgeted.quiet_hours_class = times.quiet_hours_class and budgeted.scheduled_at = times.scheduled_at
where coalesce(times.send_not_before, budgeted.scheduled_at) < expires_at;
