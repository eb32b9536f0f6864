-- How e-mail is read, by the week in which it was sent, beside the four weeks with e-mail before it. Openings are told
-- by mail programs too: clicks are the measure.
{%- set weeks_before = 4 %}
{%- set few_messages = 100 %}
{%- set notable_change = 0.2 %}

with sends as (

    select
        customer_id,
        is_delivered,
        is_opened,
        is_clicked,
        is_unsubscribed,
        cast({{ week_start('sent_at') }} as date) as week_start_date
    from {{ ref('fct_sends') }}
    where channel = 'email'

),

weeks as (

    select
        week_start_date,
        count(*) as sends,
        count(distinct customer_id) as recipients,
        sum(case when is_delivered then 1 else 0 end) as delivered,
        sum(case when is_opened then 1 else 0 end) as opened,
        sum(case when is_clicked then 1 else 0 end) as clicked,
        sum(case when is_unsubscribed then 1 else 0 end) as unsubscribed,
        count(distinct case when is_clicked then customer_id end) as clickers
    from sends
    group by week_start_date

),

{%- set before = 'over (order by week_start_date asc nulls last rows between '
    ~ weeks_before ~ ' preceding and 1 preceding)' %}

weeks_compared as (

    select
        *,
        coalesce(sum(delivered) {{ before }}, 0) as delivered_before,
        coalesce(sum(clicked) {{ before }}, 0) as clicked_before,
        cast(clicked as double) / cast(nullif(delivered, 0) as double) as click_rate,
        cast(sum(clicked) {{ before }} as double) / cast(nullif(sum(delivered) {{ before }}, 0) as double)
            as click_rate_before
    from weeks

)

select
    {{ iso_week('week_start_date') }} as iso_week,
    case
        when delivered < {{ few_messages }} or delivered_before < {{ few_messages }} then 'cannot_tell'
        when click_rate >= click_rate_before * (1 + {{ notable_change }}) then 'up'
        when click_rate <= click_rate_before * (1 - {{ notable_change }}) then 'down'
        else 'steady'
    end as trend,
    cast(sends as bigint) as sends,
    cast(recipients as bigint) as recipients,
    cast(delivered as bigint) as delivered,
    cast(opened as bigint) as opened,
    cast(clicked as bigint) as clicked,
    cast(unsubscribed as bigint) as unsubscribed,
    cast(clickers as bigint) as clickers,
    {{ share_of('opened', 'delivered') }} as open_rate,
    {{ share_of('clicked', 'delivered') }} as click_rate,
    {{ share_of('clicked_before', 'delivered_before') }} as click_rate_before,
    {{ share_of('unsubscribed', 'delivered') }} as unsubscribe_rate,
    {{ days_after('week_start_date', 7) }} <= {{ as_of() }} as is_complete,
    week_start_date
from weeks_compared
