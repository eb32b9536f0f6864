-- What people write about, by month, and whether a theme grows: its share of the month's answers beside that of the
-- month before. With few answers nobody can tell.
{%- set few_answers = 20 %}
{%- set notable_change = 0.05 %}

with feedback as (

    select
        response_id,
        topic,
        score_band,
        {{ month_start('submitted_at') }} as calendar_month
    from {{ ref('fct_feedback') }}

),

months as (

    select
        calendar_month,
        count(*) as all_responses
    from feedback
    group by calendar_month

),

topics as (

    select distinct topic
    from feedback

),

topics_counted as (

    select
        months.calendar_month,
        topics.topic,
        months.all_responses,
        count(feedback.response_id) as responses,
        count(case when feedback.score_band = 'promoter' then 1 end) as promoters,
        count(case when feedback.score_band = 'detractor' then 1 end) as detractors,
        count(feedback.score_band) as scores
    from months
    cross join topics
    left join feedback
        on
            months.calendar_month = feedback.calendar_month
            and topics.topic = feedback.topic
    group by months.calendar_month, topics.topic, months.all_responses

),

topics_compared as (

    select
        this_month.*,
        last_month.responses as responses_before,
        last_month.all_responses as all_responses_before,
        {{ share_of('this_month.responses', 'this_month.all_responses') }} as response_share,
        {{ share_of('last_month.responses', 'last_month.all_responses') }} as response_share_before
    from topics_counted as this_month
    left join topics_counted as last_month
        on
            this_month.topic = last_month.topic
            and this_month.calendar_month = cast({{ dbt.dateadd('month', 1, 'last_month.calendar_month') }} as date)

)

select
    topic,
    case
        when all_responses < {{ few_answers }} or coalesce(all_responses_before, 0) < {{ few_answers }}
            then 'cannot_tell'
        when response_share >= response_share_before + {{ notable_change }} then 'up'
        when response_share <= response_share_before - {{ notable_change }} then 'down'
        else 'steady'
    end as trend,
    cast(responses as bigint) as responses,
    cast(all_responses as bigint) as all_responses,
    cast(responses_before as bigint) as responses_before,
    cast(promoters as bigint) as promoters,
    cast(detractors as bigint) as detractors,
    response_share,
    response_share_before,
    {{ share_of('promoters - detractors', 'scores') }} as net_promoter_score,
    calendar_month
from topics_compared
