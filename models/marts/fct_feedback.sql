-- The bands are those of the Net Promoter Score (Reichheld, Harvard Business Review 12/2003), and hold for its surveys
-- alone: a question from 0 to 10. The comment itself stays in staging.
{%- set promoter_from_score = 9 %}
{%- set passive_from_score = 7 %}
{%- set highest_score = 10 %}

with responses as (

    select
        response_id,
        profile_id,
        survey,
        score,
        comment_text is not null as has_comment,
        survey like 'nps%' and score between 0 and {{ highest_score }} as is_net_promoter_score,
        submitted_at
    from {{ ref('stg_feedback__responses') }}
    where submitted_at < {{ as_of() }}

),

topics as (

    select
        response_id,
        topic,
        topic_basis
    from {{ ref('int_feedback_topics_found') }}

),

profiles_mapped as (

    select
        profile_id,
        customer_id
    from {{ ref('int_profiles_mapped') }}

)

select
    responses.response_id,
    profiles_mapped.customer_id,
    responses.survey,
    topics.topic,
    topics.topic_basis,
    case
        when not responses.is_net_promoter_score then cast(null as string)
        when responses.score >= {{ promoter_from_score }} then 'promoter'
        when responses.score >= {{ passive_from_score }} then 'passive'
        when responses.score >= 0 then 'detractor'
    end as score_band,
    responses.score,
    responses.has_comment,
    responses.submitted_at
from responses
inner join topics
    on responses.response_id = topics.response_id
inner join profiles_mapped
    on responses.profile_id = profiles_mapped.profile_id
