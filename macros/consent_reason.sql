{#- Why consent stands against a message, or null: `granted` asks for consent in force (unknown means no, and so does
    lapsed), `not_withdrawn` for no withdrawal, `none` for nothing. A purpose without a rule is not allowed at all. -#}
{%- macro consent_reason(state, consent_rule) -%}
case
        when {{ consent_rule }} is null then 'purpose_not_allowed'
        when {{ consent_rule }} = 'none' then cast(null as string)
        when {{ state }} = 'withdrawn' then 'consent_withdrawn'
        when {{ consent_rule }} = 'not_withdrawn' or {{ state }} = 'granted' then cast(null as string)
        when {{ state }} = 'expired' then 'consent_expired'
        else 'no_consent'
    end
{%- endmacro %}
