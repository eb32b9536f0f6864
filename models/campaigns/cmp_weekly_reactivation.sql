{%- set recent_ticket_within_days = 14 %}
{%- set enrols_from_weekday = 3 %}  {#- Wednesday; a missed run enrols on the next day, and after Friday nobody #}
{%- set enrols_until_weekday = 5 %}

with audience as (

    select
        customer_id,
        qualified_by
    from {{ ref('aud_lapsed_customers') }}
    where
        {{ days_between(week_start(as_of()), as_of()) }} + 1 >= {{ enrols_from_weekday }}
        and {{ days_between(week_start(as_of()), as_of()) }} + 1 <= {{ enrols_until_weekday }}

),

sequence_states as (

    select
        customer_id,
        slot,
        next_step,
        next_template,
        has_purchased,
        'in the sequence since ' || {{ iso_date('enrolled_at') }} as qualified_by
    from {{ ref('fct_sequence_states') }}
    where campaign = 'weekly_reactivation' and is_due

),

customers as (

    select
        customer_id,
        first_name,
        predicted_value_365_days,
        last_ticket_at
    from {{ ref('dim_customers') }}

),

recent_purchasers as (

    select customer_id
    from {{ ref('aud_recent_purchasers') }}

),

offers as (

    select
        campaign_offers.offer,
        offers.offer_text,
        campaign_offers.predicted_value_from,
        campaign_offers.predicted_value_below
    from {{ ref('campaign_offers') }} as campaign_offers
    inner join {{ ref('offers') }} as offers
        on campaign_offers.offer = offers.offer
    where campaign_offers.campaign = 'weekly_reactivation'

),

policy as (

    select
        'email' as channel,
        'sendgrid' as destination,
        cast(null as string) as audience_name,
        'marketing' as purpose,
        'promo' as cap_class,
        'drop' as on_cap,
        cast(0.10 as decimal(5, 4)) as holdout_share,
        'after_days' as re_entry,
        30 as re_entry_after_days,
        'marketing' as quiet_hours_class,
        true as excludes_recent_purchasers,
        5000 as approval_above,
        20000 as max_people,
        cast(null as decimal(5, 4)) as max_drop_share,
        cast(null as decimal(5, 4)) as max_growth_share,
        {{ as_of() }} as scheduled_at,
        {{ hours_after(as_of(), 72) }} as expires_at

),

members as (

    select
        customer_id,
        qualified_by,
        {{ iso_week(as_of()) }} as slot,
        1 as step,
        'weekly_reactivation' as template,
        false as has_purchased
    from audience

    union all

    select
        customer_id,
        qualified_by,
        slot,
        next_step as step,
        next_template as template,
        has_purchased
    from sequence_states

),

candidates as (

    select
        members.customer_id,
        members.qualified_by,
        members.slot,
        members.step,
        members.template,
        offers.offer,
        {{ variant_of('weekly_reactivation', {'a': 50, 'b': 50}, 'members.customer_id') }} as variant,
        {{ failing_reasons({
            'purchased_since_enrolment': 'members.has_purchased',
            'recent_purchase': 'recent_purchasers.customer_id is not null',
            'recent_support_issue':
                'customers.last_ticket_at >= ' ~ days_before(as_of(), recent_ticket_within_days),
            'no_offer_for_value': 'offers.offer is null',
        }) }} as exclusion_reasons,
        {{ json_object({
            'first_name': "coalesce(customers.first_name, 'there')",
            'offer_text': 'offers.offer_text',
        }) }} as fields
    from members
    inner join customers
        on members.customer_id = customers.customer_id
    left join recent_purchasers
        on members.customer_id = recent_purchasers.customer_id
    left join offers
        on
            coalesce(customers.predicted_value_365_days, 0) >= offers.predicted_value_from
            and coalesce(customers.predicted_value_365_days < offers.predicted_value_below, true)

)

select
    'weekly_reactivation' as campaign,
    candidates.slot,
    candidates.customer_id,
    {{ campaign_columns(per_person=['template', 'step']) }}
from candidates
cross join policy
