-- Which content each template has for a language in a market, and how long it is true: the recipient's language
-- before the market's fallback language before the template's default, where the market accepts that.
with candidates as (

    select distinct
        candidates.template,
        recipients.market,
        recipients.language
    from {{ ref('decision_candidates') }} as candidates
    left join {{ ref('decision_recipients') }} as recipients
        on candidates.customer_id = recipients.customer_id
    where candidates.template is not null

),

markets as (

    select
        market,
        fallback_language,
        has_default_content
    from {{ ref('markets') }}

),

templates as (

    select
        template,
        name,
        language,
        purpose,
        message_version,
        valid_until
    from {{ ref('stg_muster__templates') }}

),

contents_ranked as (

    select
        candidates.template,
        candidates.market,
        candidates.language,
        templates.template as content,
        templates.purpose,
        templates.message_version,
        templates.valid_until,
        row_number() over (
            partition by candidates.template, candidates.market, candidates.language
            order by
                case
                    when templates.language = candidates.language then 1
                    when templates.language = markets.fallback_language then 2
                    else 3
                end asc nulls last,
                templates.template asc nulls last
        ) as content_rank
    from candidates
    inner join templates
        on candidates.template = templates.name
    left join markets
        on candidates.market = markets.market
    where
        templates.language = candidates.language
        or templates.language = markets.fallback_language
        or (templates.language is null and coalesce(markets.has_default_content, true))

)

select
    template,
    market,
    language,
    content,
    purpose,
    message_version,
    valid_until
from contents_ranked
where content_rank = 1
