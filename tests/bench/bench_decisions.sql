-- Invented inputs of the decision layer, for `people` customers and 12 campaigns of which each may contact everybody:
-- eight of messages, four of sets. Seeds are the project's own. `share` draws a number in [0, 1) from a text.
create macro share(words) as cast(hash(words) as double) / 18446744073709551616.0;

create table marts.dim_customers as
select
    'c' || number as customer_id,
    case when share('email' || number) < 0.95 then 'person' || number || '@example.com' end as email,
    case when share('phone' || number) < 0.8 then '+1555' || lpad(number::varchar, 7, '0') end as phone,
    'Ann' as first_name,
    'Example' as last_name,
    number || ' Example Street' as address,
    lpad(cast(number * 7919 % 100000 as varchar), 5, '0') as postal_code,
    'Springfield' as city,
    case when share('country' || number) < 0.9 then 'US' when share('country' || number) < 0.98 then 'DE' else 'BR' end
        as country,
    case when share('account' || number) < 0.05 then 'a' || number % 5000 end as account_id,
    case when share('zone' || number) < 0.95
        then ['America/New_York', 'America/Chicago', 'America/Denver', 'America/Los_Angeles'][1 + number % 4] end
        as time_zone,
    'en' as language
from range(getvariable('people')) as numbers (number);

create table marts.dim_push_tokens as
select customer_id, 'token-' || customer_id as push_token
from marts.dim_customers where share('push' || customer_id) < 0.4;

create table marts.dim_external_ids as
select customer_id, 'crm' as source_system, 'p-' || customer_id as external_id from marts.dim_customers;

create table intermediate.int_consents_resolved as
select
    customer_id, channel, purpose,
    case when share('state' || channel || customer_id) < 0.9 then 'granted' else 'withdrawn' end as state
from marts.dim_customers
cross join (values
    ('email', 'marketing', 0.75), ('sms', 'marketing', 0.6), ('push', 'marketing', 0.6), ('mail', 'marketing', 0.5),
    ('ads', 'audience_matching', 0.7), ('onsite', 'personalisation', 0.3)
) as asked (channel, purpose, given)
where share('consent' || channel || customer_id) < given
union all
select
    customer_id, 'ads' as channel, purpose,
    case when share('state' || purpose || customer_id) < 0.9 then 'granted' else 'withdrawn' end as state
from marts.dim_customers
cross join (values ('ad_user_data', 0.7), ('ad_personalization', 0.7)) as asked (purpose, given)
where country = 'DE' and share('consent' || purpose || customer_id) < given;

create table intermediate.int_suppressions_resolved as
select customer_id, channel, cast(null as varchar) as campaign, reason
from marts.dim_customers
cross join (values ('email', 'unsubscribe', 0.02), ('sms', 'stop', 0.01), ('all', 'manual', 0.002)) as kinds (channel, reason, given)
where share('suppressed' || channel || customer_id) < given;

create table campaigns_of_bench as
select * from (values
    (1, 'cart', 'email', 'sendgrid', null, 'marketing', 'lifecycle', 'alpha', 'after_days', 3, 'marketing', 0.05),
    (2, 'welcome', 'email', 'sendgrid', null, 'marketing', 'lifecycle', 'alpha', 'never', 0, 'marketing', 0.05),
    (3, 'vip', 'sms', 'twilio', null, 'marketing', 'promo', 'beta', 'after_days', 28, 'marketing', 0.05),
    (4, 'reactivation', 'email', 'sendgrid', null, 'marketing', 'promo', 'alpha', 'after_days', 30, 'marketing', 0.1),
    (5, 'replenish', 'push', 'expo', null, 'marketing', 'lifecycle', 'beta', 'after_days', 14, 'marketing', 0.05),
    (6, 'cross_sell', 'email', 'sendgrid', null, 'marketing', 'promo', 'alpha', 'after_days', 60, 'marketing', 0.1),
    (7, 'postcard', 'mail', 'mail_file', null, 'marketing', 'promo', 'beta', 'after_days', 90, 'none', 0.1),
    (8, 'newsletter', 'email', 'sendgrid', null, 'marketing', 'editorial', 'alpha', 'always', 0, 'marketing', 0.0),
    (9, 'suppression', 'ads', 'meta', 'purchased_last_7_days', 'audience_matching', null, null, 'always', 0, 'none', 0.0),
    (10, 'retargeting', 'ads', 'google', 'browsers_and_carts', 'audience_matching', null, null, 'always', 0, 'none', 0.0),
    (11, 'onsite', 'onsite', 'onsite_webhook', 'affinity', 'personalisation', null, null, 'always', 0, 'none', 0.0),
    (12, 'lists', 'lists', 'klaviyo', 'newsletter', 'marketing', null, null, 'always', 0, 'none', 0.0)
) as campaign (
    priority, campaign, channel, destination, audience_name, purpose, cap_class, template, re_entry, days, quiet, holdout
);

create table marts.fct_contacts as
select
    'x' || customer_id || campaign as contact_id, customer_id, campaign, '2026-W12' as slot, channel, cap_class,
    'accepted' as state, 1 as step,
    getvariable('as_of') - to_hours(cast(1 + floor(share('when' || campaign || customer_id) * 24 * 40) as int)) as contacted_at
from campaigns_of_bench
inner join marts.dim_customers on share('contact' || campaign || customer_id) < 0.15
where cap_class is not null;

create table staging.stg_muster__templates as
select name as template, name, cast(null as varchar) as language, 'version' as message_version,
    cast(null as varchar) as channel, 'marketing' as purpose, cast(null as date) as valid_until
from (values ('alpha'), ('beta')) as templates (name);

create table decisions.decision_candidates as
select
    cast(row_number() over () as bigint) as candidate_id,
    campaign,
    '2026-W14' as slot,
    customer_id,
    'invented for measuring' as qualified_by,
    case when share('variant' || campaign || customer_id) < 0.5 then 'a' else 'b' end as variant,
    case when cap_class = 'promo' then 'offer_10' end as offer,
    '{"first_name":"Ann","offer_text":"10 % off your next basket"}' as fields,
    case when share('own' || campaign || customer_id) < 0.1 then 'recent_purchase' end as exclusion_reasons,
    channel,
    destination,
    audience_name,
    purpose,
    cap_class,
    'drop' as on_cap,
    template,
    re_entry,
    quiet as quiet_hours_class,
    1 as step,
    priority,
    days as re_entry_after_days,
    1000000 as approval_above,
    10000000 as max_people,
    cast(holdout as decimal(5, 4)) as holdout_share,
    cast(0.6 as decimal(5, 4)) as max_drop_share,
    cast(2 as decimal(5, 4)) as max_growth_share,
    false as excludes_recent_purchasers,
    getvariable('as_of') as scheduled_at,
    getvariable('as_of') + interval 168 hour as expires_at
from campaigns_of_bench cross join marts.dim_customers;
