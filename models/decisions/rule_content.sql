-- Rule 1, last. Fails where there is nothing true to say: no content in a language of the person's market, content
-- without what marketing must carry, content or an offer that is not valid on the day of the message, or money of
-- another market. The last day counts.
with candidates as (

    select
        candidate_id,
        customer_id,
        template,
        offer,
        purpose,
        scheduled_at
    from {{ ref('decision_candidates') }}
    where template is not null or offer is not null

),

recipients as (

    select
        customer_id,
        market,
        language
    from {{ ref('decision_recipients') }}

),

markets as (

    select
        market,
        currency
    from {{ ref('markets') }}

),

contents as (

    select
        template,
        coalesce(market, '') as market,
        coalesce(language, '') as language,
        purpose,
        valid_until
    from {{ ref('decision_contents') }}

),

offers as (

    select
        offer,
        currency,
        valid_from,
        valid_until
    from {{ ref('offers') }}

),

candidates_joined as (

    select
        candidates.candidate_id,
        {{ failing_reasons({
            'no_template': 'candidates.template is not null and contents.template is null',
            'template_of_other_purpose': "candidates.purpose = 'marketing' and contents.purpose <> 'marketing'",
            'template_expired': 'contents.valid_until < cast(candidates.scheduled_at as date)',
            'no_offer': 'candidates.offer is not null and offers.offer is null',
            'offer_not_valid': 'offers.valid_until < cast(candidates.scheduled_at as date)'
                ~ ' or offers.valid_from > cast(candidates.scheduled_at as date)',
            'offer_in_other_currency': 'offers.currency <> markets.currency',
        }) }} as reason
    from candidates
    left join recipients
        on candidates.customer_id = recipients.customer_id
    left join markets
        on recipients.market = markets.market
    left join contents
        on
            candidates.template = contents.template
            and coalesce(recipients.market, '') = contents.market
            and coalesce(recipients.language, '') = contents.language
    left join offers
        on candidates.offer = offers.offer

)

select
    candidate_id,
    reason
from candidates_joined
where reason is not null
