-- Every message that was attempted, by Muster or before it, with what it cost and what came of it. What a channel never
-- reports is null, and not false.
{%- set reported_by = {
    'delivered': ['email', 'sms', 'push'],
    'opened': ['email', 'push'],
    'clicked': ['email', 'sms'],
    'bounced': ['email', 'sms', 'push'],
    'hard_bounced': ['email', 'push'],
    'complained': ['email'],
    'unsubscribed': ['email', 'sms'],
} %}

with sends as (

    select
        send_id,
        contact_id,
        run_id,
        customer_id,
        origin,
        campaign,
        slot,
        channel,
        destination,
        purpose,
        market,
        variant,
        offer,
        template,
        message_version,
        state,
        step,
        decided_at,
        sent_at
    from {{ ref('int_sends_collected') }}

),

engagement as (

    select
        contact_id,
        customer_id,
        channel,
        {%- for report in reported_by %}
        first_{{ report }}_at,
        {%- endfor %}
        last_clicked_at
    from {{ ref('fct_contact_engagement') }}

),

channel_costs as (

    select
        channel,
        cost_per_message_reporting,
        send_month
    from {{ ref('int_channel_costs_converted') }}

)

select
    sends.send_id,
    sends.contact_id,
    sends.run_id,
    sends.customer_id,
    sends.origin,
    sends.campaign,
    sends.slot,
    sends.channel,
    sends.destination,
    sends.purpose,
    sends.market,
    sends.variant,
    sends.offer,
    sends.template,
    sends.message_version,
    sends.state,
    sends.step,
    channel_costs.cost_per_message_reporting as cost_reporting,
    {%- for report, channels in reported_by.items() %}
    case
        when sends.channel in ('{{ channels | join("', '") }}') then engagement.first_{{ report }}_at is not null
    end as is_{{ report }},
    {%- endfor %}
    sends.decided_at,
    sends.sent_at,
    {%- for report in reported_by %}
    engagement.first_{{ report }}_at,
    {%- endfor %}
    engagement.last_clicked_at
from sends
left join engagement
    on
        sends.contact_id = engagement.contact_id
        and sends.customer_id = engagement.customer_id
        and sends.channel = engagement.channel
left join channel_costs
    on
        sends.channel = channel_costs.channel
        and {{ month_start('sends.sent_at') }} = channel_costs.send_month
