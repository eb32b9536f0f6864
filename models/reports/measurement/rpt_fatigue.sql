-- How messages are received by how many the person had got in the seven days before, and from that how many a week are
-- surely borne: the highest pressure up to which, at every step, even the upper bound of the 95 % interval of opt-outs
-- is within the limit. Where none is, nobody can tell.
{%- set max_opt_out_rate = 0.01 %}
{%- set highest_pressure = 7 %}
{#- All but the seven days to the second: a weekly message does not count the one of the week before. -#}
{%- set seven_days = 'interval 604799 second' %}

with sends as (

    select
        customer_id,
        channel,
        is_clicked,
        is_complained,
        is_unsubscribed,
        sent_at
    from {{ ref('fct_sends') }}
    where customer_id is not null

),

contact_channels as (

    select distinct channel
    from {{ ref('channel_purposes') }}
    where is_contact

),

sends_under_pressure as (

    select
        sends.channel,
        least(
            count(*) over (
                partition by sends.customer_id order by sends.sent_at
                range between {{ seven_days }} preceding and current row
            ),
            {{ highest_pressure }}
        ) as messages_7_days,
        sends.is_clicked,
        sends.is_complained,
        sends.is_unsubscribed
    from sends
    inner join contact_channels
        on sends.channel = contact_channels.channel

),

levels as (

    select
        channel,
        messages_7_days,
        count(*) as sends,
        sum(case when is_clicked then 1 when not is_clicked then 0 end) as clicked,
        sum(case when is_complained then 1 when not is_complained then 0 end) as complained,
        sum(case when is_unsubscribed then 1 else 0 end) as unsubscribed,
        sum(case when is_unsubscribed or is_complained then 1 else 0 end) as opted_out
    from sends_under_pressure
    where is_unsubscribed is not null
    group by channel, messages_7_days

),

levels_bounded as (

    select
        *,
        {{ wilson_bound('opted_out', 'sends', 'lower') }} as opt_out_rate_lower,
        {{ wilson_bound('opted_out', 'sends', 'upper') }} as opt_out_rate_upper
    from levels

),

levels_judged as (

    select
        *,
        case
            when opt_out_rate_upper <= {{ max_opt_out_rate }} then 'borne'
            when opt_out_rate_lower > {{ max_opt_out_rate }} then 'too_much'
            else 'cannot_tell'
        end as verdict,
        max(case when opt_out_rate_upper <= {{ max_opt_out_rate }} then 0 else 1 end) over (
            partition by channel order by messages_7_days asc nulls last
            rows between unbounded preceding and current row
        ) = 0 as is_borne_so_far
    from levels_bounded

)

select
    channel,
    cast(messages_7_days as int) as messages_7_days,
    verdict,
    cast(sends as bigint) as sends,
    cast(clicked as bigint) as clicked,
    cast(complained as bigint) as complained,
    cast(unsubscribed as bigint) as unsubscribed,
    cast(opted_out as bigint) as opted_out,
    {{ share_of('clicked', 'sends') }} as click_rate,
    {{ share_of('complained', 'sends') }} as complaint_rate,
    {{ share_of('unsubscribed', 'sends') }} as unsubscribe_rate,
    {{ share_of('opted_out', 'sends') }} as opt_out_rate,
    opt_out_rate_lower,
    opt_out_rate_upper,
    cast(
        max(case when is_borne_so_far then messages_7_days end) over (partition by channel) as int
    ) as suggested_messages_7_days
from levels_judged
