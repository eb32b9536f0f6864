-- What each answer is about: the topic that the survey states, else that of a keyword at the beginning of a word of
-- the comment. Of several keywords the one with the lowest priority number decides.
with responses as (

    select
        response_id,
        topic,
        ' ' || lower(comment_text) as comment_padded
    from {{ ref('stg_feedback__responses') }}

),

feedback_topics as (

    select
        keyword,
        topic,
        priority
    from {{ ref('feedback_topics') }}

),

keywords_found as (

    select
        responses.response_id,
        min_by(feedback_topics.topic, feedback_topics.priority) as topic
    from responses
    inner join feedback_topics
        on responses.comment_padded like '% ' || feedback_topics.keyword || '%'
    where responses.topic is null
    group by responses.response_id

)

select
    responses.response_id,
    coalesce(responses.topic, keywords_found.topic, 'other') as topic,
    case
        when responses.topic is not null then 'stated'
        when keywords_found.topic is not null then 'keyword'
        else 'unknown'
    end as topic_basis
from responses
left join keywords_found
    on responses.response_id = keywords_found.response_id
